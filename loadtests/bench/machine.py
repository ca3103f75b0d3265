import os
import platform
import re
import subprocess
from importlib.metadata import version
from pathlib import Path

from service.dev import redis_server

_PACKAGES = ("fastapi", "starlette", "uvicorn", "granian", "uvloop", "httptools", "pydantic", "redis", "hiredis")


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
        "revision": _output("git", "describe", "--always", "--dirty"),
    }


def _first(pattern: str, file: Path) -> str | None:
    found = re.search(pattern, file.read_text())
    return found[1] if found else None


def _output(*command: str) -> str:
    try:
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return "unknown"
    return (ended.stdout or ended.stderr).partition("\n")[0].strip()
