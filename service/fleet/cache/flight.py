import asyncio
from typing import Generic, TypeVar

T = TypeVar("T")


class Flight(Generic[T]):
    """What one caller is finding out since `began` (monotonic), and the others who wait for what it brings."""

    __slots__ = ("_waiting", "began")

    def __init__(self, began: float) -> None:
        self.began = began
        self._waiting: list[asyncio.Future[T | None]] = []

    def join(self) -> asyncio.Future[T | None]:
        """What it brings, to be awaited; None if it was given up, as who asked first went away."""
        waiting: asyncio.Future[T | None] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiting)
        return waiting

    def land(self, outcome: T | Exception | None) -> None:
        """Tell all who wait."""
        for waiting in self._waiting:
            if waiting.done():  # its request was cancelled
                continue
            if isinstance(outcome, Exception):
                waiting.set_exception(outcome)
            else:
                waiting.set_result(outcome)
