from collections.abc import Sequence

import pytest

from loadtests.tune import sizing
from loadtests.tune.cost import day, pod_hours, replicas_of
from loadtests.tune.sizing import Measured, Stated, Value

STATED = Stated(peak=1000, low=100)
# Among fewer the one for who is away is much.
ENOUGH_TO_HALVE = 10
MEASURED = Measured(200, 30, "as stated", cpu_millicores=412, memory_mebibytes=71)


def _named(values: Sequence[Value]) -> dict[str, float | str | bool]:
    return {each.path.rpartition(".")[2]: each.value for each in values}


@pytest.mark.parametrize(
    ("capacity", "step", "target"), [(200, 1.5, 121), (200, 3, 60), (9, 1.5, 5.4), (0.05, 1.5, 0.1)]
)
def test_the_target_leaves_room_for_the_step(capacity: float, step: float, target: float) -> None:
    """Replicas at their target and the tolerance above it hold the step, rounded to what a person can read."""
    found = sizing.target_per_replica(Stated(1000, 100, step), Measured(capacity, 30, ""))
    assert found.value == pytest.approx(target)


def test_both_metrics_ask_for_the_same_count() -> None:
    """The CPU request is what capacity takes, and its target the share that the rate's target is of the capacity."""
    target = float(sizing.target_per_replica(STATED, MEASURED).value)
    assert _named(sizing.cpu(STATED, MEASURED)) == {
        "cpu": "420m",
        "targetUtilizationPercent": pytest.approx(100 * target / MEASURED.capacity, abs=1),
    }


def test_who_only_waits_asks_for_a_little_cpu() -> None:
    """Of a pod that hardly uses any the request is the least that can be measured, and its reason says so."""
    request, _ = sizing.cpu(STATED, Measured(200, 30, "", cpu_millicores=3))
    assert request.value == "50m"
    assert "no measure" in request.reason


def test_memory_is_the_most_and_a_margin() -> None:
    """The request is a quarter above what was seen, in steps of 16 MiB, and the limit twice that."""
    assert [each.value for each in sizing.memory(MEASURED)] == ["96Mi", "192Mi"]


def test_what_was_not_measured_is_left_out() -> None:
    """Without metrics-server there is no request to write."""
    unknown = Measured(200, 30, "")
    assert sizing.cpu(STATED, unknown) == sizing.memory(unknown) == []


@pytest.mark.parametrize(
    ("stated", "reaction", "bounds"),
    [
        (Stated(1000, 100), 30, (2, 10)),  # 90 in 30 s are borne by the step from 180 on
        (Stated(1000, 100), 300, (9, 10)),  # as slow as the load: nearly all of them all day
        (Stated(1000, 500), 1, (5, 10)),  # the night's
        (Stated(10, 1), 1, (2, 2)),  # two, so that one may be away
        (Stated(1000, 1000), 60, (9, 10)),  # no growth at all
    ],
)
def test_the_fewest_bear_the_growth_of_one_reaction(stated: Stated, reaction: float, bounds: tuple[int, int]) -> None:
    """The most are those of the peak and one more; the fewest those that hold until new ones help."""
    fewest, most = sizing.replicas(stated, Measured(200, reaction, ""))
    assert (fewest.value, most.value) == bounds


@pytest.mark.parametrize("low", [0, 50, 400])
@pytest.mark.parametrize("reaction", [5, 60, 200])
def test_no_moment_of_the_rise_is_beyond_capacity(low: float, reaction: float) -> None:
    """Replicas that are as many as a reaction ago were needed hold what comes now, all the way to the peak."""
    stated, measured = Stated(2000, low), Measured(80, reaction, "")
    target = float(sizing.target_per_replica(stated, measured).value)
    fewest, most = (int(each.value) for each in sizing.replicas(stated, measured))
    growth = (stated.peak - stated.low) / stated.rise_seconds
    for second in range(int(stated.rise_seconds) + 1):
        now, seen = (stated.low + growth * max(0, at) for at in (second, second - reaction))
        assert replicas_of(seen, target, fewest, most) * measured.capacity >= now


def test_half_the_replicas_do_not_hold_the_peak() -> None:
    """With the default step half of the most is less than the peak needs."""
    for capacity in range(10, 400, 7):
        _, most = sizing.replicas(STATED, Measured(capacity, 30, ""))
        if int(most.value) > ENOUGH_TO_HALVE:
            assert int(most.value) // 2 * capacity < STATED.peak


def test_a_day_has_its_least_load_and_its_peak() -> None:
    """The day of the simulation is stretched between them."""
    rates = day(100, 1000)
    assert len(rates) == 86_400
    assert [min(rates), max(rates)] == pytest.approx([100, 1000])


def test_pod_hours_are_those_of_the_replicas() -> None:
    """The bounds hold all day, and between them the target decides."""
    rates = day(100, 1000)
    assert pod_hours(rates, 1e9, 2, 9) == 48
    assert pod_hours(rates, 1e-9, 2, 9) == 216
    assert 48 < pod_hours(rates, 121, 2, 9) < 216
