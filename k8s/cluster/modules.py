"""The source of pinned Go modules without Go: from the module proxy, by the checksums in `go.sum`.

Some add-ons' manifests come with their source.
"""

import base64
import hashlib
import os
import re
import shutil
import zipfile
from dataclasses import dataclass
from pathlib import Path

from k8s.cluster import downloads
from k8s.cluster.group import COMPONENTS
from k8s.cluster.steps import StepError

_PROXY = "https://proxy.golang.org"


@dataclass(frozen=True)
class Modules:
    """Modules in the cache, each in a folder of its version."""

    cache: Path
    pinned_in: Path = COMPONENTS

    def source(self, module: str) -> Path:
        """Return the folder with the source of a pinned module.

        Raises:
            downloads.DownloadError: it cannot be fetched.
            StepError: it is not pinned, or not what was pinned.
        """
        version, pinned = self._pin(module)
        folder = self.cache / "modules" / f"{module}@{version}"
        if folder.exists():
            return folder
        archive = folder.with_name(f"{folder.name}.zip")
        downloads.fetch_any(f"{_proxy()}/{_escaped(module)}/@v/{version}.zip", archive)
        found = checksum(archive)
        if found != pinned:
            archive.unlink()
            message = f"the module proxy's {module} {version} is not what go.sum pins: {found}, and {pinned} is right"
            raise StepError(message)
        part = folder.with_name(f"{folder.name}.part")
        shutil.rmtree(part, ignore_errors=True)
        with zipfile.ZipFile(archive) as opened:
            opened.extractall(part)
        (part / f"{module}@{version}").rename(folder)
        shutil.rmtree(part)
        archive.unlink()
        return folder

    def _pin(self, module: str) -> tuple[str, str]:
        """Return the version of a module, and its checksum."""
        version = version_of(module, pinned_in=self.pinned_in)
        text = (self.pinned_in / "go.sum").read_text(encoding="utf-8")
        found = re.search(rf"(?m)^{re.escape(module)} {re.escape(version)} (h1:\S+)$", text)
        if found is None:
            message = f"{self.pinned_in / 'go.sum'} has no checksum of {module} {version}"
            raise StepError(message)
        return version, found[1]


def version_of(module: str, *, pinned_in: Path = COMPONENTS) -> str:
    """Return the version that the go.mod of a folder pins `module` to.

    Raises:
        StepError: it pins none.
    """
    text = (pinned_in / "go.mod").read_text(encoding="utf-8")
    found = re.search(rf"(?m)^(?:require)?\s+{re.escape(module)} (v\S+)", text)
    if found is None:
        message = f"{pinned_in / 'go.mod'} names no version of {module}"
        raise StepError(message)
    return found.group(1)


def go_version(*, pinned_in: Path = COMPONENTS) -> str:
    """Return the version of Go that the go.mod of a folder asks for."""
    lines = (pinned_in / "go.mod").read_text(encoding="utf-8").splitlines()
    return next(line.removeprefix("go ") for line in lines if line.startswith("go "))


def checksum(archive: Path) -> str:
    """Return the checksum of a module's archive as go.sum has it: of the list of its files and theirs."""
    digest = hashlib.sha256()
    with zipfile.ZipFile(archive) as opened:
        for name in sorted(opened.namelist()):
            digest.update(f"{hashlib.sha256(opened.read(name)).hexdigest()}  {name}\n".encode())
    return "h1:" + base64.b64encode(digest.digest()).decode()


def _proxy() -> str:
    first = re.split("[,|]", os.environ.get("GOPROXY", ""))[0].rstrip("/")
    return first if first.startswith("http") else _PROXY


def _escaped(module: str) -> str:
    return re.sub("[A-Z]", lambda letter: f"!{letter[0].lower()}", module)
