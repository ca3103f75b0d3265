import os
from collections.abc import Iterator
from contextlib import contextmanager

from loadtests.errors import LoadTestError

_NEEDED = 2


def choose() -> tuple[int, int]:
    """Return a core for the server under test and another for the load and Redis.

    Raises:
        LoadTestError: this process may use one core only.
    """
    usable = sorted(os.sched_getaffinity(0))
    if len(usable) < _NEEDED:
        raise LoadTestError("the benchmark needs two cores: one for the server, one for the load generator and Redis")
    return usable[0], usable[1]


def pinned(command: list[str], core: int) -> list[str]:
    """Make the command line that runs `command` on one core only."""
    return ["taskset", "--cpu-list", str(core), *command]


@contextmanager
def on_core(core: int) -> Iterator[None]:
    """Have this process, and what it starts meanwhile, on one core only."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
