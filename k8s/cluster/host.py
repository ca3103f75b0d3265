"""What this host can and cannot do, found out by trying and never assumed."""

import os
import socket
from dataclasses import dataclass
from pathlib import Path

from k8s.cluster import docker

CAP_SYS_RESOURCE = 24  # linux/capability.h
# https://kind.sigs.k8s.io/docs/user/known-issues: three nodes' systemd, kubelet and containerd watch files.
_INOTIFY = {"max_user_instances": 512, "max_user_watches": 524288}
_ROOT = Path("/")


@dataclass(frozen=True)
class Host:
    """The facts that decide which workarounds apply.

    Attributes:
        can_raise_limits: root may raise rlimits and lower oom_score_adj (CAP_SYS_RESOURCE is in the bounding set).
        cgroup_version: of the engine that answers, else of this host: 1 or 2; hybrid counts as 1.
        engine: which answers, or says why not.
    """

    can_raise_limits: bool
    cgroup_version: int
    engine: docker.Answer


def look() -> Host:
    """Look at this host and its engine."""
    engine = docker.ask()
    return Host(
        can_raise_limits=bool(bounding_set() >> CAP_SYS_RESOURCE & 1),
        cgroup_version=engine.cgroup_version or (2 if (_ROOT / "sys/fs/cgroup/cgroup.controllers").exists() else 1),
        engine=engine,
    )


def bounding_set() -> int:
    """Return this process's capability bounding set as a bit mask; all of it where there is none, as on macOS."""
    status = _ROOT / "proc/self/status"
    if not status.exists():
        return -1
    for line in status.read_text(encoding="ascii").splitlines():
        if line.startswith("CapBnd:"):
            return int(line.split()[1], 16)
    return 0


def low_inotify_limits() -> list[str]:
    """Return the settings of inotify that are low for three nodes, as sysctl takes them; without /proc none."""
    low = []
    for name, needed in _INOTIFY.items():
        file = _ROOT / "proc/sys/fs/inotify" / name
        if file.exists() and int(file.read_text(encoding="ascii")) < needed:
            low.append(f"fs.inotify.{name}={needed}")
    return low


def free_bytes(path: Path) -> int:
    """Return the space left for this user on the file system of `path` or its nearest parent."""
    stat = os.statvfs(_nearest(path))
    return stat.f_bavail * stat.f_frsize


def is_there(path: Path) -> bool:
    """Tell whether there is a file or folder of this path, or may be one in a folder that this user can't look into."""
    try:
        path.stat()
    except PermissionError:
        return True
    except OSError:
        return False
    return True


def disk(path: Path) -> int:
    """Return a number that is one for all folders of a file system."""
    return _nearest(path).stat().st_dev


def _nearest(path: Path) -> Path:
    """Return the path, or its nearest parent that there is and may be looked at."""
    while not os.access(path, os.F_OK):
        path = path.parent
    return path


def port_is_free(port: int) -> bool:
    """Tell whether nothing listens on the loopback `port`."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
