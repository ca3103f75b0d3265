import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager


def say(line: str) -> None:
    """Print a line at once, whatever the output is."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


@contextmanager
def phase(what: str) -> Iterator[None]:
    """Say what begins, and how long it took."""
    say(f"\n{what}")
    started = time.monotonic()
    yield
    say(f"  done in {time.monotonic() - started:.0f} s")
