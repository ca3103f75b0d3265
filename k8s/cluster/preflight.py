"""Checks at once what would otherwise fail half an hour later, and says what to do about it."""

import re
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

from k8s.cluster import host
from k8s.cluster.kind import CONFIG
from k8s.cluster.steps import StepError

# Measured: sources 4.3 GB, compiler's cache 2.5 GB, binaries 1 GB, images 2.5 GB, nodes 3 GB.
BUILD_BYTES = 15 * 1024**3
PULL_BYTES = 8 * 1024**3
RUN_BYTES = 5 * 1024**3


def check(cache: Path, *, build: bool, cluster_exists: bool, built: bool) -> None:
    """Raise with every remedy at once rather than with the first.

    Raises:
        StepError: a tool, a port or disk space is missing; lists each with its remedy.
    """
    problems = [*_tools(build=build), *_disk(cache, build=build, built=built)]
    if not cluster_exists:
        problems += _ports()
    if problems:
        raise StepError("this cannot work yet:\n" + "\n".join(f"  - {problem}" for problem in problems))


def _tools(*, build: bool) -> list[str]:
    problems = []
    if find_spec("pip") is None:
        problems.append(f"{sys.executable} has no pip: run this by make, which makes a virtual environment first")
    if shutil.which("go") is None:
        problems.append("go is missing: install the Go that k8s/components/go.mod names, and put it on PATH")
    if shutil.which("openssl") is None and not build:
        problems.append("openssl is missing: install your system's package; it makes the Gateway's certificate")
    if not build and shutil.which("docker") is None:
        problems.append("docker is missing: install a Docker engine, or call make with CLUSTER_MODE=build on Debian")
    return problems


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
        f"port {port} is taken on this host: stop what listens there (`ss -ltnp 'sport = :{port}'` names it), "
        "or change hostPort in kind-config.yaml"
        for port in ports
        if not host.port_is_free(int(port))
    ]
