"""kind, kubectl, Helm and promtool for this host, as their makers publish them."""

import hashlib
import os
import platform
import re
import shutil
import tarfile
import tomllib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from k8s.cluster import downloads
from k8s.cluster.mirror import Mirror
from k8s.cluster.steps import StepError, Steps

PINS = Path(__file__).with_suffix(".toml")
_ARCHITECTURES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}
_EVERYBODYS = Path("/usr/local/bin")


@dataclass(frozen=True)
class Tool:
    """A published program.

    Attributes:
        url: with {version}, {number} (the version without its v), {os} and {arch} in it, as all of these.
        member: what it is called in the archive; empty where the file is the program.
        sha256: of the file, by system.
        checksums: where its makers list them; read for a system that `sha256` lacks.
    """

    name: str
    version: str
    url: str
    member: str = ""
    sha256: Mapping[str, str] = field(default_factory=dict)
    checksums: str = ""

    def words(self, system: str) -> dict[str, str]:
        """Return what stands in its addresses, for a system."""
        name, arch = system.split("-")
        return {"version": self.version, "number": self.version.removeprefix("v"), "os": name, "arch": arch}


def read() -> tuple[Tool, ...]:
    """Return the pinned tools."""
    said = tomllib.loads(PINS.read_text(encoding="utf-8"))
    return tuple(Tool(name, **keys) for name, keys in said.items())


def this_system() -> str:
    """Return how the makers of programs name this system.

    Raises:
        StepError: none publishes for it.
    """
    name, machine = platform.system().lower(), platform.machine()
    if name not in ("linux", "darwin") or machine not in _ARCHITECTURES:
        message = f"kind is not published for {platform.system()} on {machine}: use Linux or macOS on x86-64 or arm64"
        raise StepError(message)
    return f"{name}-{_ARCHITECTURES[machine]}"


def fetch(cache: Path, mirror: Mirror) -> dict[str, Path]:
    """Fetch this system's tools into the cache, each under its checksum, unless they are there; returns all.

    Raises:
        downloads.DownloadError: one cannot be fetched.
        StepError: one is not what was pinned.
    """
    system = this_system()
    with ThreadPoolExecutor() as pool:
        fetched = {tool.name: pool.submit(_fetch, tool, system, cache / "host-tools", mirror) for tool in read()}
    return {name: future.result() for name, future in fetched.items()}


def _fetch(tool: Tool, system: str, folder: Path, mirror: Mirror) -> Path:
    words = tool.words(system)
    url = mirror.url(tool.url.format(**words))
    known = tool.sha256.get(system, "")
    program = folder / (known or hashlib.sha256(url.encode()).hexdigest())[:12] / tool.name
    if program.exists():
        return program
    file = program.with_name("fetched")
    downloads.fetch(url, file, sha256=known or _listed(mirror.url(tool.checksums.format(**words)), url))
    if tool.member:
        unpacked = program.with_name("unpacked")
        member = tool.member.format(**words)
        with tarfile.open(file) as archive, unpacked.open("wb") as target:
            source = _member(archive, member)
            if source is None:
                message = f"{url} has no file {member}"
                raise StepError(message)
            shutil.copyfileobj(source, target)
        file.unlink()
        file = unpacked
    file.chmod(0o755)
    file.rename(program)
    return program


def _member(archive: tarfile.TarFile, name: str) -> IO[bytes] | None:
    try:
        return archive.extractfile(name)
    except KeyError:
        return None


def link(tools: Mapping[str, Path], folder: Path, steps: Steps) -> None:
    """Put symbolic links to the tools into `folder`, and on PATH where the host has none of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    path = _path_without(folder.parent)
    for name, program in tools.items():
        link = folder / name
        link.unlink(missing_ok=True)
        link.symlink_to(program)
        on_path = _EVERYBODYS / name
        if program.exists() and shutil.which(name, path=path) is None and os.access(_EVERYBODYS, os.W_OK):
            on_path.unlink(missing_ok=True)  # a dangling link of ours, from a cache that was deleted
            on_path.symlink_to(link)
            steps.say(f"linked {on_path}")


def say_where(folder: Path, steps: Steps) -> None:
    """Say where the tools are, if a shell would not find them."""
    elsewhere = _path_without(folder.parent)
    hidden = [tool.name for tool in read() if shutil.which(tool.name, path=elsewhere) is None]
    if hidden:
        steps.say(f"to type {', '.join(hidden)}: export PATH={folder}:$PATH")


def _path_without(cache: Path) -> str:
    """Return PATH as a shell has it: make puts what is in the cache on it, which is not the host's own."""
    entries = os.environ.get("PATH", "").split(os.pathsep)
    return os.pathsep.join(entry for entry in entries if cache not in Path(entry).parents)


def _listed(checksums: str, url: str) -> str:
    file = url.rpartition("/")[2]
    found = re.search(rf"(?m)^([0-9a-f]{{64}})[ *]+{re.escape(file)}$", downloads.text(checksums))
    if found is None:
        message = f"{checksums} names no SHA-256 of {file}"
        raise StepError(message)
    return found[1]
