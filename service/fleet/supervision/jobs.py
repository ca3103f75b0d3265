import asyncio
import logging
import time
from collections.abc import Coroutine
from typing import Any, TypeVar

from . import metrics

logger = logging.getLogger(__name__)

T = TypeVar("T")

LOG_INTERVAL_SECONDS = 10.0


class Jobs:
    """Short work in the background, held until it is done; an exception that it did not expect is logged and counted.

    Many may fail of one cause, so each kind of job logs one line in ten seconds.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._tasks: set[asyncio.Task[Any]] = set()
        self._failures = metrics.JOB_FAILURES.labels(name)
        self._unlogged = 0
        self._logged_at = float("-inf")

    def spawn(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Start `work`."""
        task = asyncio.get_running_loop().create_task(work, name=self._name)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    async def join(self) -> None:
        """Wait until none is left."""
        while self._tasks:
            await asyncio.wait(tuple(self._tasks))

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if task.cancelled():
            return
        if (error := task.exception()) is not None:
            self._failed(error)

    def _failed(self, error: BaseException) -> None:
        self._failures.inc()
        self._unlogged += 1
        now = time.monotonic()
        if now - self._logged_at >= LOG_INTERVAL_SECONDS:
            logger.error(
                "A background job failed.",
                exc_info=error,
                extra={"task": self._name, "error": type(error).__name__, "failures": self._unlogged},
            )
            self._logged_at, self._unlogged = now, 0
