import asyncio
from typing import Any

import pytest

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


async def test_cancelled_batch_cancels_all() -> None:
    """Cancelling the batch's task, as a stopping loop does, cancels what waits for it."""
    echo = Echo()
    echo.gate.clear()
    batcher = Batcher(echo, max_in_flight=1)
    given_up, future = batcher.submit(("A",)), batcher.submit(("B",))
    given_up.cancel()
    await asyncio.sleep(0)
    (task,) = batcher._in_flight
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await future


async def test_close_waits() -> None:
    """Closing waits for what is under way."""
    echo = Echo()
    batcher = Batcher(echo, max_in_flight=1)
    future = batcher.submit(("A",))
    await asyncio.sleep(0)
    await batcher.aclose()
    assert future.result() == "A"
