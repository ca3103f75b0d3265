import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from k8s.client.errors import ClusterError

T = TypeVar("T")


@dataclass
class Feed(Generic[T]):
    """One source of the view, which may fall silent: its last value stays, and its age is shown."""

    source: Callable[[], T]
    period_seconds: float
    value: T | None = None
    at: float | None = None
    error: str | None = None

    def refresh(self) -> None:
        """Ask once; an error is kept beside the last value."""
        try:
            self.value = self.source()
        except ClusterError as error:
            self.error = str(error)
        else:
            self.at = time.time()
            self.error = None

    def age_seconds(self) -> float | None:
        """How old the value is; None: there is none."""
        return None if self.at is None else max(0.0, time.time() - self.at)
