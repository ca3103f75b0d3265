"""Checks at once what would otherwise fail half an hour later, and says what to do about it."""

import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from k8s.cluster import docker, host, system
from k8s.cluster.kind import CONFIG
from k8s.cluster.modes import BUILD
from k8s.cluster.modules import go_version
from k8s.cluster.steps import StepError

# Measured: sources 4.3 GB, compiler's cache 2.5 GB, binaries 1 GB, images 2.5 GB, nodes 3 GB.
BUILD_BYTES = 15 * 1024**3
PULL_BYTES = 8 * 1024**3
RUN_BYTES = 5 * 1024**3
_CHECKOUT = Path(__file__).resolve().parents[2]


def check(cache: Path, mode: str, engine: docker.Answer | None, *, cluster_exists: bool, built: bool) -> None:
    """Raise with every remedy at once rather than with the first.

    Args:
        cache: on whose disk there must be space.
        mode: may still be open; pulling needs less.
        engine: None where it is to be installed and started yet.
        cluster_exists: its ports are taken by it.
        built: most of what fills the disk is there.

    Raises:
        StepError: a tool, the engine, a port or disk space is missing; lists each with its remedy.
    """
    problems = _go() if mode == BUILD else _pulling(engine) if engine else []
    if find_spec("pip") is None:
        problems.append(f"{sys.executable} has no pip: run this by make, which makes a virtual environment first")
    problems += _disk(cache, build=mode == BUILD, built=built)
    if not cluster_exists:
        problems += _ports()
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


def _disk(cache: Path, *, build: bool, built: bool) -> list[str]:
    needed = RUN_BYTES if built else BUILD_BYTES if build else PULL_BYTES
    free = host.free_bytes(cache)
    if free >= needed:
        return []
    gib = 1024**3
    shortage = f"{free / gib:.1f} GiB are free on the disk of {cache}, {needed / gib:.0f} GiB are needed"
    return [f"{shortage}: free some, or set CACHE_DIR to another disk"]


def _ports() -> list[str]:
    ports = re.findall(r"hostPort: (\d+)", CONFIG.read_text(encoding="utf-8"))
    return [
        f"port {port} is taken on this host: stop what listens there (`{system.find_listener(int(port))}` names it), "
        "or change hostPort in kind-config.yaml"
        for port in ports
        if not host.port_is_free(int(port))
    ]
