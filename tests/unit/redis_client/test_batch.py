import asyncio
from typing import Any

import pytest

from service.redis_client import RedisUnavailableError
from service.redis_client.batch import MAX_BATCH, Batcher, Command

pytestmark = pytest.mark.anyio


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
    batcher = Batcher(echo, max_in_flight=2)
    replies = await asyncio.gather(*(batcher.submit((str(number),)) for number in range(10)))
    assert replies == [str(number) for number in range(10)]
    assert echo.batches == [10]


async def test_refused_command_fails_alone() -> None:
    """An error reply fails its own command and no other of the batch."""
    batcher = Batcher(Echo(), max_in_flight=1)
    good, bad = batcher.submit(("GOOD",)), batcher.submit(("BAD",))
    assert await good == "GOOD"
    with pytest.raises(ValueError, match="refused"):
        await bad


async def test_waits_for_a_free_place() -> None:
    """With all places taken, commands gather into the next batch."""
    echo = Echo()
    echo.gate.clear()
    batcher = Batcher(echo, max_in_flight=1)
    futures = [batcher.submit(("A",))]
    await asyncio.sleep(0)
    for _ in range(3):
        futures.append(batcher.submit(("B",)))
        await asyncio.sleep(0)
    assert batcher.in_flight == 1
    echo.gate.set()
    assert await asyncio.gather(*futures) == ["A", "B", "B", "B"]
    assert echo.batches == [1, 3]


async def test_batches_are_bounded() -> None:
    """No batch carries more than the maximum."""
    echo = Echo()
    batcher = Batcher(echo, max_in_flight=8)
    await asyncio.gather(*(batcher.submit(("A",)) for _ in range(MAX_BATCH + 1)))
    assert echo.batches == [MAX_BATCH, 1]


async def test_failed_batch_fails_all() -> None:
    """An exception of the batch reaches every command still waited for, and skips those given up."""

    async def fail(_: list[Command]) -> list[Any]:
        await asyncio.sleep(0)
        raise OSError("gone")

    batcher = Batcher(fail, max_in_flight=1)
    given_up, first, second = (batcher.submit(("A",)) for _ in range(3))
    given_up.cancel()
    for future in (first, second):
        with pytest.raises(OSError, match="gone"):
            await future


async def test_given_up_command_is_skipped() -> None:
    """A reply nobody waits for any more disturbs none of the others."""
    echo = Echo()
    batcher = Batcher(echo, max_in_flight=1)
    given_up, kept = batcher.submit(("A",)), batcher.submit(("B",))
    given_up.cancel()
    assert await kept == "B"


@pytest.mark.parametrize("turns", [1, 2], ids=["before its first step", "under way"])
async def test_a_cancelled_batch_answers_all(turns: int) -> None:
    """Cancelling the batch's task, as a stopping loop does, answers who waits for it with what callers fall back on."""
    echo = Echo()
    echo.gate.clear()
    batcher = Batcher(echo, max_in_flight=1)
    given_up, future = batcher.submit(("A",)), batcher.submit(("B",))
    given_up.cancel()
    for _ in range(turns):
        await asyncio.sleep(0)
    (task,) = batcher._in_flight
    task.cancel()
    with pytest.raises(RedisUnavailableError):
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

    batcher = Batcher(fail_once, max_in_flight=1)
    waiting = [batcher.submit(("A",)) for _ in range(3)]
    outcomes = await asyncio.wait_for(asyncio.gather(*waiting, return_exceptions=True), 10)
    expected = type(error) if isinstance(error, Exception) else RedisUnavailableError
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

    batcher = Batcher(execute, max_in_flight=1)
    waiting = [batcher.submit(("A",)) for _ in range(2)]
    outcomes = await asyncio.wait_for(asyncio.gather(*waiting, return_exceptions=True), 10)
    assert [type(outcome) for outcome in outcomes] == [RuntimeError, RuntimeError]


async def test_close_waits() -> None:
    """Closing waits for what is under way."""
    echo = Echo()
    batcher = Batcher(echo, max_in_flight=1)
    future = batcher.submit(("A",))
    await asyncio.sleep(0)
    await batcher.aclose()
    assert future.result() == "A"
