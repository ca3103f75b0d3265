import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LOCKS = Path("build")


@contextmanager
def turn(*, alone: bool) -> Iterator[None]:
    """Let both halves' tests run beside each other, but for those that take away what all of them use."""
    LOCKS.mkdir(exist_ok=True)
    with (LOCKS / "e2e-turn.lock").open("w") as door, (LOCKS / "e2e-running.lock").open("w") as running:
        # Whoever waits to be alone holds the door, or others would pass by without end.
        fcntl.flock(door, fcntl.LOCK_EX)
        fcntl.flock(running, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        fcntl.flock(door, fcntl.LOCK_UN)
        yield
