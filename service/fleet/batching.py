import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Generic, TypeVar

logger = logging.getLogger(__name__)

Q = TypeVar("Q")
A = TypeVar("A")


class Batcher(Generic[Q, A]):
    """Has what is asked in one turn of the event loop answered in one trip, as a DataLoader does with its keys.

    `execute` answers up to `max_batch` questions, in their order; an exception among its answers is for the one who
    asked that. At most `max_in_flight` batches are under way, however many without one: what comes meanwhile waits for
    the next one, so batches grow with the load. Where a batch is given up, `lost` makes the error of it.
    """

    def __init__(
        self,
        execute: Callable[[list[Q]], Awaitable[list[A | Exception]]],
        *,
        max_batch: int,
        max_in_flight: int | None = None,
        lost: Callable[[str], Exception],
    ) -> None:
        self._execute = execute
        self._max_batch = max_batch
        self._max_in_flight = max_in_flight
        self._lost = lost
        self._pending: list[tuple[Q, asyncio.Future[A]]] = []
        self._in_flight: set[asyncio.Task[None]] = set()
        self._scheduled = False

    @property
    def in_flight(self) -> int:
        """Batches under way."""
        return len(self._in_flight)

    def submit(self, question: Q) -> asyncio.Future[A]:
        """The answer, to be awaited; raises what `execute` raised, or the question's own error."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[A] = loop.create_future()
        self._pending.append((question, future))
        if not self._scheduled and self._has_place:
            self._scheduled = True
            loop.call_soon(self._flush)
        return future

    @property
    def _has_place(self) -> bool:
        return self._max_in_flight is None or len(self._in_flight) < self._max_in_flight

    def _flush(self) -> None:
        self._scheduled = False
        while self._pending and self._has_place:
            batch, self._pending = self._pending[: self._max_batch], self._pending[self._max_batch :]
            task = asyncio.get_running_loop().create_task(self._run(batch))
            self._in_flight.add(task)
            task.add_done_callback(partial(self._finished, batch))

    def _finished(self, batch: list[tuple[Q, asyncio.Future[A]]], task: asyncio.Task[None]) -> None:
        self._in_flight.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("A batch ended its task.", exc_info=error)
        for _, future in batch:
            if not future.done():  # the task was cancelled before it began: nobody shall wait for ever
                future.set_exception(self._lost("the batch was given up"))
        self._flush()

    async def _run(self, batch: list[tuple[Q, asyncio.Future[A]]]) -> None:
        """Answer everybody of the batch, whatever happens to it; what would end a task or process is raised on."""
        answers: list[A | Exception] = []
        try:
            answers = await self._execute([question for question, _ in batch])
        except Exception as error:  # noqa: BLE001 - whatever it is, it belongs to those who wait
            answers = [error for _ in batch]
        except BaseException as error:
            # A caller falls back on this one; the other would end the caller's task too.
            answers = [self._lost(f"the batch was given up: {type(error).__name__}") for _ in batch]
            raise
        finally:
            if len(answers) != len(batch):
                answers = [RuntimeError(f"{len(answers)} answers to {len(batch)} questions") for _ in batch]
            for (_, future), answer in zip(batch, answers, strict=True):
                if not future.done():  # else its request was cancelled meanwhile
                    _answer(future, answer)

    async def aclose(self) -> None:
        """Wait for what is under way, at most one time limit long."""
        while self._in_flight:
            await asyncio.wait(self._in_flight)


def _answer(future: asyncio.Future[A], answer: A | Exception) -> None:
    if isinstance(answer, StopIteration):  # a future refuses it
        answer = RuntimeError("the answer was a StopIteration")
    if isinstance(answer, BaseException):
        future.set_exception(answer)
    else:
        future.set_result(answer)
