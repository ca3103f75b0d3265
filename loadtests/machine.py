"""The machine that figures were measured on, which they depend on."""

import os
import platform
import re
import subprocess
from pathlib import Path


def machine() -> dict[str, object]:
    """Its processor, memory, kernel, Python, and how busy it was."""
    return {
        "cpu": _first(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo")) or platform.processor(),
        "cores": os.cpu_count(),
        "memory_mib": int(_first(r"MemTotal:\s*(\d+)", Path("/proc/meminfo")) or 0) // 1024,
        "kernel": platform.release(),
        "load_average_1m": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
    }


def first_line(*command: str) -> str:
    """The first line that a command prints, e.g. its version; `unknown` where it is missing or says nothing."""
    try:
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return "unknown"
    return (ended.stdout or ended.stderr).partition("\n")[0].strip() or "unknown"


def _first(pattern: str, file: Path) -> str | None:
    if not file.exists():  # no Linux
        return None
    found = re.search(pattern, file.read_text())
    return found[1] if found else None
