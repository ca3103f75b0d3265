import math
from collections.abc import Iterable
from dataclasses import replace

import pytest

from loadtests.assess.caches import Caches
from loadtests.assess.latency import Latency
from loadtests.assess.limiter import judge
from loadtests.assess.plan import FULL, QUICK
from loadtests.assess.scaling import reactions
from loadtests.assess.spread import spread
from loadtests.errors import LoadTestError
from loadtests.measure import Answer, Answers
from loadtests.ramp import Ramp
from tests.assessment import samples


def _answers(statuses: Iterable[tuple[float, int]]) -> Answers:
    return Answers(Answer(at, 5.0, status) for at, status in statuses)


def test_latency_has_the_percentiles_of_all_and_none_of_nothing() -> None:
    """A hundred answers of 1 to 100 ms have their ranks as percentiles; no answers have no figures."""
    some = Latency.of(Answers(Answer(at, float(at), 200) for at in range(1, 101)))
    assert (some.mean_ms, some.p50_ms, some.p95_ms, some.p99_ms) == (50.5, 50, 95, 99)
    nothing = Latency.of(Answers())
    assert (nothing.requests, nothing.mean_ms, nothing.p99_ms) == (0, None, None)


def test_the_limiter_is_judged_by_its_worst_window() -> None:
    """Ten of twenty in the first window and nine in the second deviate by a tenth from a limit of ten."""
    first = [(n * 0.05, 200 if n < 10 else 429) for n in range(20)]
    second = [(1 + n * 0.05, 200 if n < 9 else 429) for n in range(20)]
    found = judge(_answers([*first, *second]), limit=10, window=1.0, windows=2, replicas=3)
    assert (found.by_window, found.offered, found.accepted, found.refused) == ((10, 9), 40, 19, 21)
    assert found.error_percent == pytest.approx(10)


def test_letting_through_too_much_is_a_deviation_too() -> None:
    """A limiter that lets all through deviates by what it lets through too much."""
    found = judge(_answers([(n * 0.01, 200) for n in range(20)]), limit=10, window=1.0, windows=1, replicas=1)
    assert found.error_percent == pytest.approx(100)


def test_an_even_spread_is_probable_and_an_uneven_one_is_not() -> None:
    """Chi-squared of 90, 100 and 110 with 100 expected of each is 2, at two degrees of freedom p = exp(-1)."""
    even = spread({"a": 90, "b": 100, "c": 110}, {"a", "b", "c"})
    assert even.statistic == pytest.approx(2)
    assert even.p_value == pytest.approx(math.exp(-1))
    assert spread({"a": 300, "b": 0}, {"a", "b"}).p_value < 1e-9


def test_a_replica_that_never_answered_counts_and_one_that_came_later_does_not() -> None:
    """Zero answers of a replica that was there all the time are part of the spread."""
    found = spread({"a": 50, "new": 10}, {"a", "silent"})
    assert (found.counts, found.left_out) == ({"a": 50, "silent": 0}, {"new": 10})


def test_one_replica_is_spread_evenly() -> None:
    """There is nothing to test with one."""
    assert spread({"a": 50}, {"a"}).p_value == 1.0


def test_no_replica_named_is_no_spread() -> None:
    """An Ingress in front of something else is told apart from an uneven spread."""
    with pytest.raises(LoadTestError, match="server_id"):
        spread({}, set())


RAMP = Ramp(210, minimum=2, replicas=6)


def test_reactions_are_counted_from_the_rise_and_from_the_end() -> None:
    """Wanted 10 s after the rise at 15 s, ready after 15, the most after 25; back 30 s after the load's end at 60 s."""
    found = reactions(samples(), RAMP)
    assert (found.wanted_seconds, found.ready_seconds, found.peak_seconds, found.back_seconds) == (10, 15, 25, 30)
    assert found.peak_ready == 7


def test_replicas_that_do_not_follow_have_no_reactions() -> None:
    """No further replica, no time of its readiness; never back, no time of that."""
    found = reactions([replace(sample, desired=3, ready=2) for sample in samples()], RAMP)
    assert (found.peak_ready, found.ready_seconds, found.peak_seconds, found.back_seconds) == (2, None, None, None)


def test_a_stale_answer_is_a_hit() -> None:
    """What comes at once while the source is asked in the background is a hit for its client."""
    assert Caches({"L1": 6, "L2": 2, "STALE": 1, "MISS": 1}, {}).hit_percent == pytest.approx(90)


def test_a_quick_run_is_quicker() -> None:
    """The smoke run takes less than half of a full one, and none of its load is higher."""
    assert QUICK.about_seconds < FULL.about_seconds / 2
    assert QUICK.first_rate <= FULL.first_rate
