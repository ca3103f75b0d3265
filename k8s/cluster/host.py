"""What this host can and cannot do, found out by trying and never assumed."""

import os
import shutil
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path

CAP_SYS_RESOURCE = 24  # linux/capability.h


@dataclass(frozen=True)
class Host:
    """The facts that decide which workarounds apply.

    Attributes:
        can_raise_limits: root may raise rlimits and lower oom_score_adj (CAP_SYS_RESOURCE is in the bounding set).
        cgroup_version: 1 or 2; hybrid counts as 1.
        engine_runs: a Docker engine answers.
        images_can_be_pulled: the engine reaches the registry of the node image.
    """

    can_raise_limits: bool
    cgroup_version: int
    engine_runs: bool
    images_can_be_pulled: bool


def look(node_image: str) -> Host:
    """Look at this host; asks a running engine, for at most 20 seconds, for `node_image`."""
    engine = engine_runs()
    return Host(
        can_raise_limits=bool(bounding_set() >> CAP_SYS_RESOURCE & 1),
        cgroup_version=2 if Path("/sys/fs/cgroup/cgroup.controllers").exists() else 1,
        engine_runs=engine,
        images_can_be_pulled=engine and _answers("docker", "manifest", "inspect", node_image),
    )


def engine_runs() -> bool:
    """Tell whether a Docker engine answers."""
    return shutil.which("docker") is not None and _answers("docker", "info")


def bounding_set() -> int:
    """Return this process's capability bounding set as a bit mask."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("CapBnd:"):
            return int(line.split()[1], 16)
    return 0


def free_bytes(path: Path) -> int:
    """Return the space left for this user on the file system of `path` or its nearest parent."""
    while not path.exists():
        path = path.parent
    stat = os.statvfs(path)
    return stat.f_bavail * stat.f_frsize


def port_is_free(port: int) -> bool:
    """Tell whether nothing listens on the loopback `port`."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _answers(*argv: str) -> bool:
    try:
        return subprocess.run(argv, capture_output=True, timeout=20, check=False).returncode == 0
    except subprocess.TimeoutExpired:
        return False
