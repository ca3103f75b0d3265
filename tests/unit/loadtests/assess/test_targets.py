import json
from dataclasses import replace

import pytest

from loadtests.assess.limiting import Limit
from loadtests.assess.spread import spread
from loadtests.assess.targets import P_VALUE, SCALING, SMALL_EFFECT, Target, number, targets
from loadtests.measure import Generator
from tests.assessment import assessment, step


def _by_name(found: list[Target], part: str) -> Target:
    (target,) = [target for target in found if part in target.name]
    return target


def test_all_are_met_by_a_good_run() -> None:
    """A run in which nothing goes wrong meets every target."""
    assert [target.name for target in targets(assessment()) if not target.met] == []


def test_what_was_not_measured_is_not_met() -> None:
    """A phase that could not be done is no success, and its figure is no zero."""
    found = assessment()
    found.response = found.throughput = found.availability = found.spread = None
    found.scaling = found.caches = found.limiter = found.writes = None
    compared = targets(found)
    assert len(compared) == len(targets(assessment()))
    assert {(target.measured, target.met, target.shown) for target in compared} == {(None, False, "not measured")}


def test_what_is_left_out_on_purpose_has_no_target() -> None:
    """A quick run is not judged by what it does not do."""
    found = assessment()
    found.scaling = None
    found.left_out = dict.fromkeys(SCALING, "no time")
    assert not {target.name for target in targets(found)} & set(SCALING)


def test_a_missed_rate_names_the_part_that_limited_the_step_above_it() -> None:
    """With 500 a second held and 1,000 not, the evidence is that of the lowest rate that failed."""
    found = assessment()
    assert found.throughput is not None
    hold = step(500, seconds=60)
    failed = replace(step(1000, held=False), limit=Limit("ingress controller", "it used all"))
    higher = replace(step(2000, held=False), limit=Limit("errors", "many"))
    found.throughput = replace(
        found.throughput, steps=[step(500), failed, higher], hold=hold, by_k6=step(450, seconds=60), holds=[hold]
    )
    target = _by_name(targets(found), "throughput")
    assert (target.measured, target.met) == (500, False)
    assert (target.limited_by, target.evidence) == ("ingress controller", "it used all")


def test_the_rate_that_was_held_for_long_is_the_figure() -> None:
    """A step of seconds that held more does not count where the long hold of it failed."""
    found = assessment()
    assert found.throughput is not None
    holds = [step(600, held=False, seconds=60), step(480, seconds=60)]
    by_k6 = step(432, seconds=60, by=Generator.K6)
    found.throughput = replace(
        found.throughput, steps=[step(400), step(600)], hold=holds[-1], by_k6=by_k6, holds=[*holds, by_k6]
    )
    target = _by_name(targets(found), "throughput")
    assert (target.measured, target.met) == (480, False)
    assert target.note == "480 req/s by steady for 60 s: p95 8.2 ms; 432 req/s by k6 for 60 s: p95 8.2 ms"


def test_a_rate_that_only_k6_held_for_long_is_the_figure() -> None:
    """Other work may spoil each minute of one generator; which one held it is told."""
    found = assessment()
    assert found.throughput is not None
    hold, by_k6 = step(240, held=False, seconds=60), step(216, seconds=60, by=Generator.K6)
    found.throughput = replace(found.throughput, steps=[step(400)], hold=hold, by_k6=by_k6, holds=[hold, by_k6])
    target = _by_name(targets(found), "throughput")
    assert target.measured == 216
    assert "240 req/s by steady for 60 s: p95 120.0 ms, not held for so long; 216 req/s by k6" in target.note


def test_a_rate_held_for_seconds_only_is_told_so() -> None:
    """Where the long hold fails the figure is what the search held, with a note that it is no more than that."""
    found = assessment()
    assert found.throughput is not None
    hold = step(1000, held=False, seconds=60)
    found.throughput = replace(found.throughput, steps=[step(500)], hold=hold, by_k6=hold, holds=[hold, hold])
    target = _by_name(targets(found), "throughput")
    assert (target.measured, target.met, target.limited_by) == (500, False, "CPU of this machine")
    assert target.note.endswith("not held for so long")


def test_an_uneven_spread_fails_only_where_it_is_no_small_one() -> None:
    """A significant deviation counts by its size: of many answers a tiny one is significant too."""
    found = assessment()
    found.spread = spread({"a": 50_400, "b": 49_600, "c": 50_000}, {"a", "b", "c"})
    tiny = _by_name(targets(found), "evenness")
    assert found.spread.p_value < 0.05
    found.spread = spread({"a": 700, "b": 200, "c": 100}, {"a", "b", "c"})
    large = _by_name(targets(found), "evenness")
    assert (tiny.met, large.met) == (True, False)


@pytest.mark.parametrize(
    "counts", [(85, 110, 112, 101, 106, 111, 99, 95), (10, 20, 12, 14, 9, 15), (700, 200, 100), (5000, 5100), (7,)]
)
def test_evenness_is_the_same_number_wherever_it_is_told(counts: tuple[int, ...]) -> None:
    """The measured figure is Cohen's w, its bound is one of w, and it is met just where w is within that bound."""
    found = assessment()
    by_replica = {str(replica): count for replica, count in enumerate(counts)}
    found.spread = spread(by_replica, set(by_replica))
    target = _by_name(targets(found), "evenness")
    assert target.measured == found.spread.effect
    assert target.met == (found.spread.effect <= target.bound)
    assert target.bound >= SMALL_EFFECT
    if found.spread.p_value >= P_VALUE:
        assert target.met


def test_few_answers_are_allowed_what_chance_makes_of_them() -> None:
    """Sixty answers of three replicas deviate by w = 0.39 once in a hundred times: chi-squared 9.21 at two degrees."""
    found = assessment()
    found.spread = spread({"a": 26, "b": 20, "c": 14}, {"a", "b", "c"})
    target = _by_name(targets(found), "evenness")
    assert (target.wanted, target.shown, target.met) == ("≤ 0.4 (Cohen's w)", "0.24 (Cohen's w)", True)
    assert "chance makes it 0.4 once in 100 runs" in target.note


def test_what_is_met_has_no_reason_for_a_miss() -> None:
    """Where the ramp crossed a threshold of its own and the replicas followed all the same, no target tells of it."""
    found = assessment()
    assert found.scaling is not None
    reason = "k6: a threshold was crossed: http_req_duration p(95)<500"
    found.scaling = replace(found.scaling, reason=reason)
    assert [target.name for target in targets(found) if target.evidence or target.limited_by] == []
    found.scaling = replace(found.scaling, peak_ready=3)
    missed = _by_name(targets(found), "replicas ready at")
    assert (missed.met, missed.evidence) == (False, reason)


@pytest.mark.parametrize(
    ("bound", "at_least", "measured", "shown"),
    [(50, False, 50.04, "50.04 ms"), (50, False, 50.4, "50.4 ms"), (1000, True, 999.96, "999.96 ms")],
)
def test_rounding_hides_no_miss(bound: float, at_least: bool, measured: float, shown: str) -> None:  # noqa: FBT001 - a parameter
    """A figure beside its bound is shown with as many digits as tell the two apart."""
    target = Target("x", bound, "ms", measured, at_least=at_least)
    assert not target.met
    assert target.shown == shown


def test_failures_beyond_the_budget_are_listed() -> None:
    """Availability below 99.9 % names what the failed requests ended with."""
    found = assessment()
    assert found.availability is not None
    found.availability = replace(found.availability, failed=8, reasons={"502": 5, "reset": 3})
    target = _by_name(targets(found), "availability")
    assert target.measured == pytest.approx(99.8)
    assert not target.met
    assert target.evidence == "5 x 502, 3 x reset"


@pytest.mark.parametrize(
    ("at_least", "measured", "met"), [(True, 10, True), (True, 9.9, False), (False, 10, True), (False, 10.1, False)]
)
def test_the_bound_itself_is_met(at_least: bool, measured: float, met: bool) -> None:  # noqa: FBT001 - a parameter
    """A bound is inclusive on either side."""
    assert Target("x", 10, "ms", measured, at_least=at_least).met is met


def test_json_has_what_a_script_needs() -> None:
    """Name, target, measured and met are plain JSON."""
    content = json.loads(json.dumps(Target("x", 1000, "req/s", 812.5, at_least=True).as_json()))
    assert {name: content[name] for name in ("name", "target", "measured", "met")} == {
        "name": "x",
        "target": ">= 1000 req/s",
        "measured": 812.5,
        "met": False,
    }


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [
        (1000, "req/s", "1,000 req/s"),
        (99.95, "%", "99.95 %"),
        (12.345, "ms", "12.3 ms"),
        (0.0456, "", "0.046"),
        (0, "%", "0 %"),
    ],
)
def test_figures_have_the_digits_that_they_deserve(value: float, unit: str, shown: str) -> None:
    """Nearly 100 % stays nearly, and no figure pretends to more than it knows."""
    assert number(value, unit) == shown
