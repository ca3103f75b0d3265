import asyncio
import itertools
import math

import pytest

from service.fleet.overload import InFlight, in_flight
from service.fleet.overload.in_flight import MOST_PER_TURN, PER_TURN, STANDING_TURNS
from tests.observe import sample

pytestmark = pytest.mark.anyio

LONG = 60.0
LIMIT = "users_api_requests_waiting_limit"
REFUSED = "users_api_requests_refused_total"


class Clock:
    """Says what a test says."""

    now = 1000.0

    def __call__(self) -> float:
        """The time."""
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """What the length of turns is measured by."""
    clock = Clock()
    monkeypatch.setattr(in_flight, "perf_counter", clock)
    return clock


def of(max_waiting: int = 512, *, wait_seconds: float = LONG) -> InFlight:
    """The requests of a process."""
    return InFlight(max_waiting=max_waiting, wait_seconds=wait_seconds)


def coming(requests: InFlight, count: int) -> list[asyncio.Task[bool]]:
    """So many of them, at once."""
    return [asyncio.create_task(requests.enter()) for _ in range(count)]


async def turn(count: int = 1) -> None:
    """Let the loop come round."""
    for _ in range(count):
        await asyncio.sleep(0)


async def until_limited(requests: InFlight, clock: Clock) -> None:
    """Let the loop come round, 20 times in a second, until fewer may wait."""
    while requests._limit == 512:
        await turn()
        clock.now += 0.05


async def test_a_few_begin_in_each_turn() -> None:
    """Who comes with more than begin at once has to wait for the next turns, in the order in which they came."""
    tasks = coming(of(), 3 * PER_TURN)
    done = []
    for _ in range(6):
        await turn()
        done.append(sum(task.done() for task in tasks))
        assert all(task.done() for task in tasks[: done[-1]])
    assert {PER_TURN, 2 * PER_TURN, 3 * PER_TURN} <= set(done)
    assert all(after - before <= PER_TURN for before, after in itertools.pairwise(done))


async def test_who_comes_later_waits_behind() -> None:
    """Nobody overtakes the line."""
    requests = of()
    tasks = coming(requests, 2 * PER_TURN)
    await turn()
    (late,) = coming(requests, 1)
    await turn()
    assert not late.done()
    assert await late is True
    assert all([await task for task in tasks])


async def test_beyond_those_who_may_wait_it_refuses_at_once() -> None:
    """The line has an end."""
    refused = sample(REFUSED, refusal="full")
    requests = of(1)
    tasks = coming(requests, PER_TURN + 2)
    await turn()
    assert tasks[-1].done()
    assert [await task for task in tasks] == [True] * (PER_TURN + 1) + [False]
    assert sample(REFUSED, refusal="full") == refused + 1


async def test_a_wait_has_an_end() -> None:
    """Whose turn does not come in time is told no."""
    refused = sample(REFUSED, refusal="waited")
    requests = of(wait_seconds=-1.0)
    requests._is_turning, requests._begun = True, PER_TURN
    tasks = coming(requests, 2)
    assert [await task for task in tasks] == [False, False]
    assert sample(REFUSED, refusal="waited") == refused + 2
    assert sample("users_api_requests_in_flight") == 0


async def test_those_who_wait_and_those_let_in_are_in_flight() -> None:
    """Until they leave."""
    requests = of()
    tasks = coming(requests, PER_TURN + 1)
    await turn()
    assert sample("users_api_requests_in_flight") == PER_TURN + 1
    await asyncio.gather(*tasks)
    assert sample("users_api_requests_in_flight") == PER_TURN + 1
    for _ in tasks:
        requests.leave()
    assert sample("users_api_requests_in_flight") == 0


async def test_who_is_gone_begins_nothing() -> None:
    """A cancelled wait is in flight no more, also where its turn had come."""
    requests = of()
    tasks = coming(requests, PER_TURN + 2)
    await turn()
    tasks[-1].cancel()
    await asyncio.wait(tasks)
    assert tasks[-1].cancelled()
    assert sample("users_api_requests_in_flight") == PER_TURN + 1


async def test_zero_is_no_limit() -> None:
    """All begin at once, and are counted."""
    requests = of(0)
    tasks = coming(requests, 100 * PER_TURN)
    await turn()
    assert all(task.done() for task in tasks)
    assert sample("users_api_requests_in_flight") == 100 * PER_TURN
    assert sample(LIMIT) == math.inf


async def test_a_line_without_an_end_is_cut_short(clock: Clock) -> None:
    """After some waits only as many may wait as begin in a quarter of one, until nobody was refused for as long."""
    requests = of(wait_seconds=1.0)
    tasks = coming(requests, 100 * PER_TURN)
    await until_limited(requests, clock)
    assert sample(LIMIT) == PER_TURN * 5
    assert await requests.enter() is False
    for _ in range(200):
        tasks += coming(requests, 1)
        await turn()
        clock.now += 0.05
    assert sample(LIMIT) == 512
    assert await tasks[-1] is True


async def test_it_stays_short_while_others_are_refused(clock: Clock) -> None:
    """That the line empties now and then says nothing where most are not let into it."""
    requests = of(wait_seconds=1.0)
    coming(requests, 100 * PER_TURN)
    await until_limited(requests, clock)
    for _ in range(200):
        await turn()
        clock.now += 0.05
        coming(requests, 20 * PER_TURN)
    assert requests._limit < 512


async def test_after_a_quiet_time_all_is_forgotten(clock: Clock) -> None:
    """Nobody came for longer than one may wait."""
    requests = of(wait_seconds=1.0)
    tasks = coming(requests, 100 * PER_TURN)
    await until_limited(requests, clock)
    await asyncio.wait(tasks)
    await turn(2)
    assert not requests._is_turning
    clock.now += 2
    await requests.enter()
    assert sample(LIMIT) == 512


async def test_as_many_may_wait_as_begin_in_a_turn(clock: Clock) -> None:
    """However slow the turns are."""
    requests = of(wait_seconds=1.0)
    tasks = coming(requests, 20 * PER_TURN)
    for _ in range(2 * STANDING_TURNS):
        await turn()
        clock.now += 100
    assert sample(LIMIT) == PER_TURN
    assert all([await task for task in tasks])


async def test_one_pause_is_no_overload(clock: Clock) -> None:
    """Of the collector or of the machine: what came meanwhile is a burst, and may wait."""
    requests = of(wait_seconds=1.0)
    tasks = coming(requests, STANDING_TURNS * PER_TURN)
    await turn()
    clock.now += 30
    assert all([await task for task in tasks])
    assert sample(LIMIT) == 512


async def test_quiet_is_not_part_of_a_burst(clock: Clock) -> None:
    """How long nobody came says nothing of those who come."""
    requests = of(wait_seconds=1.0)
    await requests.enter()
    await turn(2)
    clock.now += 100
    tasks = coming(requests, 2 * STANDING_TURNS * PER_TURN)
    assert all([await task for task in tasks])
    assert sample(LIMIT) == 512


async def test_an_idle_loop_is_left_alone() -> None:
    """Nobody came and nobody waits: it may sleep."""
    requests = of()
    await requests.enter()
    await turn(2)
    assert not requests._is_turning


async def test_the_less_a_request_takes_the_more_begin_in_a_turn(clock: Clock) -> None:
    """So many that a turn has its time; a turn in which others had the core counts for little."""
    requests = of(100_000)
    tasks = coming(requests, 10_000)
    for _ in range(80):
        await turn()
        clock.now += requests._begun * 0.0005
    assert requests._per_turn == pytest.approx(20, abs=1)
    clock.now += 100.0
    await turn()
    assert requests._per_turn == pytest.approx(18, abs=1)
    await asyncio.wait(tasks)
    assert requests._per_turn == MOST_PER_TURN


async def test_refusals_say_nothing_of_the_cost(clock: Clock) -> None:
    """A turn in which many were refused took its time for them."""
    requests = of(1)
    tasks = coming(requests, PER_TURN + 2)
    await turn()
    clock.now += 0.00001
    await turn()
    assert requests._per_turn == PER_TURN
    await asyncio.wait(tasks)


async def test_bursts_with_pauses_between_them_are_no_overload(clock: Clock) -> None:
    """Though they were refused: whose loop has nothing to do now and then could do more."""
    requests = of(wait_seconds=1.0)
    tasks = coming(requests, 100 * PER_TURN)
    await until_limited(requests, clock)
    for _ in range(40):
        await asyncio.wait(tasks)
        await turn(2)
        clock.now += 0.9
        tasks = coming(requests, 20 * PER_TURN)
        for _ in range(5):
            await turn()
            clock.now += 0.01
        if requests._limit == 512:
            break
    assert requests._limit == 512
