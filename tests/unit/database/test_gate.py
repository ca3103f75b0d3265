import asyncio
import time

import pytest

from service.database.gate import Gate, GateClosedError

pytestmark = pytest.mark.anyio

LONG = 60.0


class Seen:
    """What the gate last said of itself."""

    in_use = waiting = 0

    def __call__(self, gate: Gate) -> None:
        """Note it."""
        self.in_use, self.waiting = gate.in_use, gate.waiting


def gate_of(
    places: int,
    *,
    max_waiting: int = 10,
    wait_seconds: float = LONG,
    seen: Seen | None = None,
    waits: list[float] | None = None,
) -> Gate:
    """A gate that tells `seen` and `waits`."""
    return Gate(
        places,
        max_waiting=max_waiting,
        wait_seconds=wait_seconds,
        on_change=seen or Seen(),
        on_waited=([] if waits is None else waits).append,
    )


async def entering(gate: Gate, count: int = 1) -> list[asyncio.Task[None]]:
    """Tasks that want in, and have had the time to."""
    tasks = [asyncio.create_task(gate.enter()) for _ in range(count)]
    for _ in range(5):
        await asyncio.sleep(0)
    return tasks


async def test_those_who_wait_come_in_in_their_order() -> None:
    """As many as there are places enter at once; each place left goes to who has waited longest."""
    seen = Seen()
    gate = gate_of(2, seen=seen)
    tasks = await entering(gate, 4)
    assert [task.done() for task in tasks] == [True, True, False, False]
    assert (seen.in_use, seen.waiting, gate.has_place) == (2, 2, False)
    gate.leave()
    await asyncio.wait([tasks[2]])
    assert not tasks[3].done()
    gate.leave()
    await tasks[3]
    for _ in range(2):
        gate.leave()
    assert (seen.in_use, seen.waiting, gate.has_place) == (0, 0, True)


async def test_no_more_wait_than_may() -> None:
    """Who finds the queue full is refused at once."""
    gate = gate_of(1, max_waiting=1)
    tasks = await entering(gate, 2)
    with pytest.raises(GateClosedError, match="too many"):
        await gate.enter()
    gate.leave()
    await asyncio.gather(*tasks)


async def test_nobody_waits_for_longer_than_the_limit() -> None:
    """Who has waited in vain is refused, and no longer in the queue; the place goes on."""
    seen = Seen()
    waits: list[float] = []
    gate = gate_of(1, wait_seconds=0.01, seen=seen, waits=waits)
    await gate.enter()
    assert not waits
    with pytest.raises(GateClosedError, match="time limit") as error:
        await gate.enter()
    assert error.value.refusal == "waited"
    assert len(waits) == 1
    assert waits[0] >= 0.01
    assert seen.waiting == 0
    gate.leave()
    await gate.enter()
    assert gate.in_use == 1


async def test_who_may_be_patient_waits_until_then() -> None:
    """Not the limit's time; and in vain it is no sign of an overload."""
    gate = gate_of(1, wait_seconds=0.0)
    await gate.enter()
    now = asyncio.get_running_loop().time()
    patient = asyncio.create_task(gate.enter(patient_until=now + LONG))
    with pytest.raises(TimeoutError):
        await gate.enter(patient_until=now + 0.01)
    assert gate.waiting == 1
    gate.leave()
    await patient


async def test_who_is_cancelled_leaves_the_queue() -> None:
    """A cancelled wait takes no place when one comes free."""
    gate = gate_of(1)
    await gate.enter()
    first, second = await entering(gate, 2)
    first.cancel()
    await asyncio.wait([first])
    gate.leave()
    await second
    assert (gate.in_use, gate.waiting) == (1, 0)


async def test_a_place_that_comes_with_the_cancellation_is_passed_on() -> None:
    """Cancelled in the very moment in which its turn came, it hands the place to the next."""
    gate = gate_of(1)
    await gate.enter()
    first, second = await entering(gate, 2)
    gate.leave()
    first.cancel()
    await asyncio.wait([first])
    assert first.cancelled()
    await second
    gate.leave()
    assert gate.has_place


async def test_a_refusal_that_comes_with_the_cancellation_passes_nothing_on() -> None:
    """Cancelled in the very moment in which its time was over, it has no place to give."""
    gate = gate_of(1)
    await gate.enter()
    (task,) = await entering(gate)
    (turn,) = gate._line._turns
    gate._line._tell(turn, None)
    task.cancel()
    await asyncio.wait([task])
    assert (gate.in_use, gate.has_place) == (1, False)


async def test_the_service_itself_goes_ahead() -> None:
    """Before all who wait, and where no more may wait."""
    gate = gate_of(1, max_waiting=1)
    await gate.enter()
    (other,) = await entering(gate)
    ahead = asyncio.create_task(gate.enter(ahead=True))
    await asyncio.sleep(0)
    gate.leave()
    await ahead
    assert not other.done()
    gate.leave()
    await other


async def test_who_is_cancelled_in_that_very_moment_gets_no_place() -> None:
    """The place goes to the next one, and none is lost."""
    gate = gate_of(1)
    await gate.enter()
    first, second = await entering(gate, 2)
    first.cancel()
    gate.leave()
    await second
    gate.leave()
    assert (gate.in_use, gate.has_place) == (0, True)


async def test_a_place_that_comes_in_the_moment_of_the_refusal_is_taken() -> None:
    """Where both fall into one turn of the event loop, the first holds, and the second is no failure."""
    gate = gate_of(1, wait_seconds=0.01)
    await gate.enter()
    asyncio.get_running_loop().call_later(0.005, gate.leave)
    (task,) = await entering(gate)
    time.sleep(0.05)  # noqa: ASYNC251 - so that both timers are due
    await task
    assert gate.in_use == 1


async def test_a_place_that_comes_after_the_refusal_stays_free() -> None:
    """Who was refused in the same turn of the event loop does not get it, and the next one does."""
    gate = gate_of(1, wait_seconds=0.1)
    await gate.enter()
    (task,) = await entering(gate)
    asyncio.get_running_loop().call_later(0.1, gate.leave)  # after the refusal, as it is set later
    time.sleep(0.2)  # noqa: ASYNC251 - so that both timers are due
    with pytest.raises(GateClosedError):
        await task
    assert (gate.in_use, gate.has_place) == (0, True)
