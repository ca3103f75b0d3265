import pytest

from loadtests.simulate.account import outcome, ready_pods, turns
from loadtests.simulate.fleet import App, Pod
from loadtests.simulate.pod_model import Served
from loadtests.simulate.scenarios import Scenario, Slice
from loadtests.simulate.settings import settings

SETTING = settings({})[0]
CAPACITY_RPS = 100


def _app(rates: list[float], *pods: Pod, wanted: list[tuple[float, int]] | None = None) -> App:
    app = App("app", SETTING, rates, Served(rates, 1000), wanted=wanted or [(0.0, len(pods))])
    app.pods.update({f"pod-{number}": pod for number, pod in enumerate(pods)})
    return app


def _scenario(rates: list[float], lead_in: int = 0, surge: int | None = None) -> Scenario:
    return Scenario("one", "one slice", (Slice(0, lead_in, tuple(rates), surge),))


def _always() -> Pod:
    return Pod(created_s=0, scheduled_s=0, ready_s=0)


def test_ready_from_readiness_to_deletion() -> None:
    """A pod takes requests from when it is ready to when it is deleted, and not while it starts or drains."""
    pods = [Pod(0, 0, ready_s=2, deleted_s=5, gone_s=8), Pod(0, 0, ready_s=4), Pod(0)]
    assert ready_pods(pods, 7) == [0, 0, 1, 1, 2, 1, 1]


def test_pod_hours_count_from_creation_until_gone() -> None:
    """Starting and draining cost as much as serving; what is outside the counted seconds costs nothing."""
    rates = [0.0] * 7200
    app = _app(rates, Pod(created_s=0, ready_s=9, deleted_s=4000, gone_s=5400), Pod(created_s=7000))
    assert outcome(_scenario(rates, lead_in=3600), [app], CAPACITY_RPS).pod_hours == pytest.approx((1800 + 200) / 3600)


def test_requests_over_capacity_are_those_beyond_it() -> None:
    """Of 150 requests in a second on a pod of 100, 50 are over capacity; spare room later takes none of them."""
    rates = [150.0, 50.0, 230.0, 100.0]
    seen = outcome(_scenario(rates), [_app(rates, _always())], CAPACITY_RPS)
    assert seen.over_capacity == pytest.approx(50 + 130)
    assert seen.short_seconds == 2
    assert seen.requests == pytest.approx(530)
    assert seen.share_over == pytest.approx(180 / 530)


def test_a_lead_in_does_not_count() -> None:
    """Neither its requests nor its changes of replicas, of which the last is where counting starts."""
    rates = [500.0] * 10 + [50.0] * 10
    wanted = [(0.0, 1), (3.0, 5), (6.0, 2), (12.0, 3)]
    seen = outcome(_scenario(rates, lead_in=10), [_app(rates, _always(), wanted=wanted)], CAPACITY_RPS)
    assert (seen.requests, seen.over_capacity, seen.turns, seen.most_replicas) == (500, 0, 0, 3)


def test_slices_count_for_what_they_stand_for() -> None:
    """Two hours of a recording are two hours; two flash crowds are one of their mean."""
    rates = [150.0] * 3600
    parts = (Slice(0, 0, tuple(rates)), Slice(3600, 0, tuple(rates)))
    apps = [_app(rates, _always()), _app(rates, _always(), _always())]
    day = outcome(Scenario("day", "a day", parts), apps, CAPACITY_RPS)
    repeated = outcome(Scenario("flash", "twice", parts, weight=0.5), apps, CAPACITY_RPS)
    assert (day.pod_hours, day.over_capacity) == (3, 50 * 3600)
    assert (repeated.pod_hours, repeated.over_capacity) == (1.5, 25 * 3600)
    assert day.over_capacity_error == 0
    assert repeated.over_capacity_error == pytest.approx(25 * 3600)


@pytest.mark.parametrize(
    ("replicas", "expected"),
    [([2], 0), ([2, 4, 8, 8, 9], 0), ([2, 4, 3], 1), ([2, 4, 3, 3, 5, 4], 3), ([5, 4, 3], 0)],
)
def test_turns_are_changes_of_direction(replicas: list[int], expected: int) -> None:
    """Steps in one direction are none, however many."""
    assert turns(replicas) == expected


def test_capacity_is_reached_when_it_holds_for_a_minute() -> None:
    """A surge at 10 s that is answered at 40 s took 30 s, though its noise touches the limit once more much later."""
    rates = [50.0] * 10 + [150.0] * 290
    rates[200] = 250.0
    second = Pod(created_s=20, scheduled_s=20, ready_s=40)
    seen = outcome(_scenario(rates, surge=10), [_app(rates, _always(), second)], CAPACITY_RPS)
    assert seen.seconds_to_capacity == 30


@pytest.mark.parametrize(("pods", "expected"), [(1, None), (2, 0)])
def test_capacity_never_or_always_there(pods: int, expected: int | None) -> None:
    """None where the surge stays over capacity to the end, 0 where it never was."""
    rates = [50.0] * 10 + [150.0] * 290
    app = _app(rates, *(_always() for _ in range(pods)))
    assert outcome(_scenario(rates, surge=10), [app], CAPACITY_RPS).seconds_to_capacity == expected
