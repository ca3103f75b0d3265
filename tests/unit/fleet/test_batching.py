import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from service.fleet.batching import Batcher

pytestmark = pytest.mark.anyio

Command = tuple[str, ...]
MAX_BATCH = 512


class LostError(Exception):
    """What the owner of a batcher says where a batch was given up."""


def batcher_of(
    execute: Callable[[list[Command]], Awaitable[list[Any]]], *, max_in_flight: int | None = 1
) -> Batcher[Command, Any]:
    """A batcher as its owners make it."""
    return Batcher(execute, max_batch=MAX_BATCH, max_in_flight=max_in_flight, lost=LostError)


class Echo:
    """Answers each command with its first word, one batch at a time when told to."""

    def __init__(self) -> None:
        self.batches: list[int] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def __call__(self, commands: list[Command]) -> list[Any]:
        """Reply to `commands` once the gate is open."""
        self.batches.append(len(commands))
        await self.gate.wait()
        return [ValueError("refused") if command[0] == "BAD" else command[0] for command in commands]


async def test_one_turn_one_batch() -> None:
    """Commands of one turn of the loop go out together and each gets its own reply."""
    echo = Echo()
    batcher = batcher_of(echo, max_in_flight=2)
    replies = await asyncio.gather(*(batcher.submit((str(number),)) for number in range(10)))
    assert replies == [str(number) for number in range(10)]
    assert echo.batches == [10]


async def test_refused_command_fails_alone() -> None:
    """An error reply fails its own command and no other of the batch."""
    batcher = batcher_of(Echo())
    good, bad = batcher.submit(("GOOD",)), batcher.submit(("BAD",))
    assert await good == "GOOD"
    with pytest.raises(ValueError, match="refused"):
        await bad


async def test_waits_for_a_free_place() -> None:
    """With all places taken, commands gather into the next batch."""
    echo = Echo()
    echo.gate.clear()
    batcher = batcher_of(echo)
    futures = [batcher.submit(("A",))]
    await asyncio.sleep(0)
    for _ in range(3):
        futures.append(batcher.submit(("B",)))
        await asyncio.sleep(0)
    assert batcher.in_flight == 1
    echo.gate.set()
    assert await asyncio.gather(*futures) == ["A", "B", "B", "B"]
    assert echo.batches == [1, 3]


async def test_without_a_bound_nothing_waits_for_a_place() -> None:
    """However many are under way, each turn's batch goes out."""
    echo = Echo()
    echo.gate.clear()
    batcher = batcher_of(echo, max_in_flight=None)
    futures = []
    for _ in range(20):
        futures.append(batcher.submit(("A",)))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    assert echo.batches == [1] * 20
    echo.gate.set()
    await asyncio.gather(*futures)


async def test_batches_are_bounded() -> None:
    """No batch carries more than the maximum."""
    echo = Echo()
    batcher = batcher_of(echo, max_in_flight=8)
    await asyncio.gather(*(batcher.submit(("A",)) for _ in range(MAX_BATCH + 1)))
    assert echo.batches == [MAX_BATCH, 1]


async def test_failed_batch_fails_all() -> None:
    """An exception of the batch reaches every command still waited for, and skips those given up."""

    async def fail(_: list[Command]) -> list[Any]:
        await asyncio.sleep(0)
        raise OSError("gone")

    batcher = batcher_of(fail)
    given_up, first, second = (batcher.submit(("A",)) for _ in range(3))
    given_up.cancel()
    for future in (first, second):
        with pytest.raises(OSError, match="gone"):
            await future


async def test_given_up_command_is_skipped() -> None:
    """A reply nobody waits for any more disturbs none of the others."""
    echo = Echo()
    batcher = batcher_of(echo)
    given_up, kept = batcher.submit(("A",)), batcher.submit(("B",))
    given_up.cancel()
    assert await kept == "B"


@pytest.mark.parametrize("turns", [1, 2], ids=["before its first step", "under way"])
async def test_a_cancelled_batch_answers_all(turns: int) -> None:
    """Cancelling the batch's task, as a stopping loop does, answers who waits for it with what callers fall back on."""
    echo = Echo()
    echo.gate.clear()
    batcher = batcher_of(echo)
    given_up, future = batcher.submit(("A",)), batcher.submit(("B",))
    given_up.cancel()
    for _ in range(turns):
        await asyncio.sleep(0)
    (task,) = batcher._in_flight
    task.cancel()
    with pytest.raises(LostError):
        await asyncio.wait_for(future, 10)


class EndOfTheWorldError(BaseException):
    """Of a class that no `except Exception` catches."""


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("x"),
        MemoryError(),
        RecursionError(),
        AssertionError(),
        LookupError(),
        UnicodeEncodeError("utf-8", "\ud800", 0, 1, "surrogates not allowed"),
        asyncio.CancelledError(),
        asyncio.InvalidStateError(),
        GeneratorExit(),
        EndOfTheWorldError(),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_whatever_ends_a_batch_answers_all(error: BaseException, caplog: pytest.LogCaptureFixture) -> None:
    """Who waits gets an Exception, of whatever class the batch's was, and the next batch goes out."""

    async def fail_once(commands: list[Command]) -> list[Any]:
        if commands == [("A",)] * 3:
            raise error
        return ["ok"] * len(commands)

    batcher = batcher_of(fail_once)
    waiting = [batcher.submit(("A",)) for _ in range(3)]
    outcomes = await asyncio.wait_for(asyncio.gather(*waiting, return_exceptions=True), 10)
    expected = type(error) if isinstance(error, Exception) else LostError
    assert [type(outcome) for outcome in outcomes] == [expected] * 3
    assert await asyncio.wait_for(batcher.submit(("B",)), 10) == "ok"
    assert ("ended its task" in caplog.text) is isinstance(error, GeneratorExit | EndOfTheWorldError)


@pytest.mark.parametrize(
    "replies",
    [[], ["one"], ["one", "two", "three"], [StopIteration(), StopIteration()]],
    ids=["none", "few", "many", "stop"],
)
async def test_replies_that_make_no_sense_answer_all(replies: list[Any]) -> None:
    """Too few replies, too many, or ones that a future refuses, are an error to each of the batch."""

    async def execute(_: list[Command]) -> list[Any]:
        return replies

    batcher = batcher_of(execute)
    waiting = [batcher.submit(("A",)) for _ in range(2)]
    outcomes = await asyncio.wait_for(asyncio.gather(*waiting, return_exceptions=True), 10)
    assert [type(outcome) for outcome in outcomes] == [RuntimeError, RuntimeError]


async def test_close_waits() -> None:
    """Closing waits for what is under way."""
    echo = Echo()
    batcher = batcher_of(echo)
    future = batcher.submit(("A",))
    await asyncio.sleep(0)
    await batcher.aclose()
    assert future.result() == "A"
