import math
import time
from collections.abc import Callable
from typing import TypeVar

from k8s.client.errors import ClusterError

PERIOD_SECONDS = 0.5

T = TypeVar("T")


class NotInTimeError(ClusterError):
    """What was waited for did not happen in time."""


def wait_until(observe: Callable[[], T], holds: Callable[[T], bool], seconds: float, what: str) -> T:
    """Observe until it holds.

    Raises:
        NotInTimeError: it did not within so many seconds; the message has the last observation.
    """
    end = time.monotonic() + seconds
    while not holds(seen := observe()):
        if time.monotonic() >= end:
            raise NotInTimeError(f"{what}: not within {seconds} s, but {seen}")
        time.sleep(PERIOD_SECONDS)
    return seen


def seconds_until(holds: Callable[[], bool], seconds: float) -> float:
    """Ask until it holds; gives the seconds that took, NaN where it did not within as many."""
    started = time.monotonic()
    try:
        wait_until(holds, bool, seconds, "it holds")
    except NotInTimeError:
        return math.nan
    return time.monotonic() - started
