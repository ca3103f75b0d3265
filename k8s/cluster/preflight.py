"""Checks at once what would otherwise fail half an hour later, and says what to do about it."""

import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from k8s.cluster import docker, host, system
from k8s.cluster.kind import CONFIG
from k8s.cluster.modes import BUILD
from k8s.cluster.modules import go_version
from k8s.cluster.steps import StepError

_GIB = 1024**3
# Free at the start: for what is compiled and the engine keeps, which took 15 GiB with the service at work (14e2bfc);
# for Go's two caches, which took 10.8 GiB.
BUILD_BYTES = 17 * _GIB
GO_BYTES = 13 * _GIB
# The programs for the host, and what the engine keeps: the nodes with their images.
TOOLS_BYTES = 1 * _GIB
PULL_BYTES = 7 * _GIB
RUN_BYTES = 5 * _GIB
MEMORY_BYTES = 6 * _GIB
_CHECKOUT = Path(__file__).resolve().parents[2]


def check(cache: Path, mode: str, engine: docker.Answer | None, *, cluster_exists: bool, built: bool) -> None:
    """Raise with every remedy at once rather than with the first.

    Args:
        cache: where there must be space.
        mode: may still be open; pulling needs less space.
        engine: None where it is to be installed and started yet.
        cluster_exists: its ports are taken by it.
        built: most of what fills the disk is there.

    Raises:
        StepError: a tool, the engine, memory, a port or disk space is missing; lists each with its remedy.
    """
    problems = _go() if mode == BUILD else _pulling(engine) if engine else []
    if find_spec("pip") is None:
        problems.append(f"{sys.executable} has no pip: run this by make, which makes a virtual environment first")
    problems += _disks(_needs(cache, mode, engine, built=built))
    if not cluster_exists:
        problems += _memory(engine) + _ports()
    if problems:
        raise StepError("this cannot work yet:\n" + "\n".join(f"  - {problem}" for problem in problems))


def _go() -> list[str]:
    needed = go_version()
    if shutil.which("go") is None:
        return [f"go is missing: install Go {needed} or newer from https://go.dev/dl, and put it on PATH"]
    said = subprocess.run(["go", "env", "GOVERSION", "GOTOOLCHAIN"], capture_output=True, text=True, check=False)
    version, _, toolchain = said.stdout.strip().removeprefix("go").partition("\n")
    if _numbers(version) >= _numbers(needed) or (_numbers(version) >= (1, 21) and toolchain != "local"):
        return []
    return [f"go is {version}, and {needed} is needed: install it, or let Go fetch it by GOTOOLCHAIN=auto"]


def _pulling(engine: docker.Answer) -> list[str]:
    problems = []
    if engine.trouble:
        problems.append(f"no Docker engine answers: {engine.trouble}: {docker.remedy(engine.trouble)}")
    elif "/snap/" in engine.root_folder and not _snap_reads(_CHECKOUT):
        problems.append(
            f"Snap's Docker reads nothing in {_CHECKOUT}: move this checkout to a folder of your home, not a hidden one"
        )
    return problems


def _snap_reads(folder: Path) -> bool:
    """Tell whether a snap may read a folder: in a home, and not hidden there."""
    home = Path.home()
    return home in folder.parents and not any(part.startswith(".") for part in folder.relative_to(home).parts)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version)[:3])


def _memory(engine: docker.Answer | None) -> list[str]:
    if engine is None or not 0 < engine.memory_bytes < MEMORY_BYTES:
        return []
    remedy = "Docker Desktop has it under Settings, Resources" if system.is_macos() else "close what you can spare"
    has = f"the engine has {engine.memory_bytes / _GIB:.1f} GiB of memory"
    return [f"{has}, {MEMORY_BYTES / _GIB:.0f} GiB are needed: {remedy}"]


@dataclass(frozen=True)
class _Need:
    """How much must be free in a folder, and how that is moved to another disk."""

    folder: Path
    size: int
    moved_by: str


def _needs(cache: Path, mode: str, engine: docker.Answer | None, *, built: bool) -> list[_Need]:
    ours = "set CACHE_DIR to a folder on another disk"
    root = Path(engine.root_folder) if engine and engine.root_folder else cache
    # On macOS it is in the virtual machine, whose disk is a file in the home.
    there = host.is_there(root.parent) and not system.is_macos()
    engines = (root, "give the engine another `data-root`") if there and root.parent != cache else (cache, ours)
    if built:
        return [_Need(engines[0], RUN_BYTES, engines[1])]
    if mode != BUILD:
        return [_Need(cache, TOOLS_BYTES, ours), _Need(engines[0], PULL_BYTES, engines[1])]
    return [_Need(cache, BUILD_BYTES, ours), _Need(_go_cache() or cache, GO_BYTES, "set GOCACHE and GOMODCACHE")]


def _disks(needs: list[_Need]) -> list[str]:
    """Tell of each disk that has too little for what is to lie on it."""
    disks: dict[int, list[_Need]] = {}
    for need in needs:
        disks.setdefault(host.disk(need.folder), []).append(need)
    problems = []
    for parts in disks.values():
        free, size = host.free_bytes(parts[0].folder), sum(need.size for need in parts)
        if free < size:
            folders = " and ".join(dict.fromkeys(str(need.folder) for need in parts))
            moved_by = ", or ".join(dict.fromkeys(need.moved_by for need in parts))
            problems.append(
                f"{free / _GIB:.1f} GiB are free on the disk of {folders}, {size / _GIB:.0f} GiB are needed: "
                f"free some, or {moved_by}"
            )
    return problems


def _go_cache() -> Path | None:
    if shutil.which("go") is None:
        return None
    said = subprocess.run(["go", "env", "GOCACHE"], capture_output=True, text=True, check=False).stdout.strip()
    return Path(said) if said.startswith("/") else None


def _ports() -> list[str]:
    ports = re.findall(r"hostPort: (\d+)", CONFIG.read_text(encoding="utf-8"))
    return [
        f"port {port} is taken on this host: stop what listens there (`{system.find_listener(int(port))}` names it), "
        "or change hostPort in kind-config.yaml"
        for port in ports
        if not host.port_is_free(int(port))
    ]
