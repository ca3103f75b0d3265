import math

import pytest

from service.fleet.overload import InFlight, in_flight
from service.settings import Settings
from tests.integration.fleet.overload.machine import Answer, Machine
from tests.sabotage import patched, sabotage

pytestmark = pytest.mark.integration

SECONDS, AFTER_SECONDS = 20, 10
NO_PAUSES: dict[float, float] = {}


def answers(
    monkeypatch: pytest.MonkeyPatch, cost_seconds: float, *stages: tuple[float, int], pauses: dict[float, float]
) -> list[Answer]:
    """How requests end that come at these shares of what a core can do, for so many seconds each."""
    machine = Machine(cost_seconds)
    monkeypatch.setattr(in_flight, "perf_counter", lambda: machine.now)
    came_at, began = [], 0.0
    for share, seconds in stages:
        rate = share / cost_seconds
        came_at += [began + number / rate for number in range(int(seconds * rate))]
        began += seconds
    return machine.answer(InFlight(max_waiting=512, wait_seconds=Settings().overload_wait_seconds), came_at, pauses)


@pytest.mark.parametrize("cost_seconds", [0.0025, 0.005])
@sabotage("all begin at once", patched((in_flight, "PER_TURN", math.inf)))
def test_three_times_the_capacity(cost_seconds: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nine tenths of the capacity is served within 250 ms, the rest refused, and all is well 5 s after it."""
    ended = answers(monkeypatch, cost_seconds, (3, SECONDS), (0.5, AFTER_SECONDS), pauses=NO_PAUSES)
    served = sorted(each.seconds for each in ended if each.status == 200 and each.came_at < SECONDS)
    assert len(served) * cost_seconds >= 0.9 * SECONDS
    assert served[int(0.99 * len(served))] <= 0.25
    late = [each for each in ended if each.came_at > SECONDS + 5]
    assert {each.status for each in late} == {200}
    assert max(each.seconds for each in late) <= 0.25


@pytest.mark.parametrize("cost_seconds", [0.0003, 0.0025, 0.01])
@pytest.mark.parametrize("pause_seconds", [0.0, 0.05, 0.15])
def test_nobody_is_refused_below_the_capacity(
    cost_seconds: float, pause_seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though the core is taken away once in a second, and a burst follows each time."""
    pauses = {second + 0.5: pause_seconds for second in range(5) if pause_seconds}
    ended = answers(monkeypatch, cost_seconds, (0.7, 5), pauses=pauses)
    assert {each.status for each in ended} == {200}
