import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable

from . import metrics

logger = logging.getLogger(__name__)

FIRST_DELAY_SECONDS = 0.1
MAX_DELAY_SECONDS = 5.0
# Who has run for as long starts with the first delay again.
STABLE_SECONDS = 60.0


class SupervisedTask:
    """Runs `work` for as long as the process lives: whatever ends it is logged, counted, and it is started again.

    `work` is expected never to return. Only `aclose`, or the end of the event loop, ends it for good. The delay before
    a start doubles from 0.1 s to 5 s while `work` keeps failing.
    """

    def __init__(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        self.name = name
        self.is_running = False
        """Whether `work` is under way, and not waiting to be started again."""
        self.restarts = 0
        self.last_error: str | None = None
        self._work = work
        self._supervisor: asyncio.Task[None] | None = None
        self._running = metrics.RUNNING.labels(name)
        self._restarted = metrics.RESTARTS.labels(name)

    @property
    def is_started(self) -> bool:
        """Whether it is meant to run."""
        return self._supervisor is not None

    @property
    def state(self) -> dict[str, object]:
        """As /readyz?verbose shows it."""
        return {"running": self.is_running, "restarts": self.restarts, "last_error": self.last_error}

    def start(self) -> None:
        """Run from now on."""
        self._shows(is_running=True)
        self._supervisor = asyncio.get_running_loop().create_task(self._supervise(), name=f"supervisor of {self.name}")

    async def aclose(self) -> None:
        """End it."""
        if self._supervisor is not None:
            self._supervisor.cancel()
            await asyncio.wait([self._supervisor])

    async def _supervise(self) -> None:
        delay = FIRST_DELAY_SECONDS
        while True:
            started = time.monotonic()
            await self._run_once()
            if time.monotonic() - started >= STABLE_SECONDS:
                delay = FIRST_DELAY_SECONDS
            await asyncio.sleep(delay * random.uniform(0.8, 1.2))  # noqa: S311 - jitter
            delay = min(2 * delay, MAX_DELAY_SECONDS)
            self.restarts += 1
            self._restarted.inc()

    async def _run_once(self) -> None:
        # In a task of its own: a cancellation that comes from within, or is meant for it alone, ends it and no more.
        current = asyncio.get_running_loop().create_task(_run(self._work), name=self.name)
        self._shows(is_running=True)
        try:
            await asyncio.wait([current])
        finally:
            self._shows(is_running=False)
            if not current.done():
                current.cancel()
                await asyncio.wait([current])
        error = asyncio.CancelledError() if current.cancelled() else current.exception()
        self.last_error = "returned" if error is None else type(error).__name__
        logger.error(
            "A background task ended and is started again.",
            exc_info=error,
            extra={"task": self.name, "error": self.last_error},
        )

    def _shows(self, *, is_running: bool) -> None:
        self.is_running = is_running
        self._running.set(is_running)


async def _run(work: Callable[[], Awaitable[None]]) -> None:
    await work()
