import pytest

from k8s.client.autoscaler import REQUEST_RATE, Autoscaler, Target
from loadtests.errors import LoadTestError
from loadtests.ramp import MOST, Ramp, peak_for, ramp_for


def _autoscaler(per_replica: float | None, minimum: int = 2, maximum: int = 8) -> Autoscaler:
    targets = () if per_replica is None else (Target(REQUEST_RATE, None, per_replica, ""),)
    return Autoscaler("api", minimum, maximum, minimum, minimum, targets, {}, None)


@pytest.mark.parametrize(
    ("autoscaler", "ramp"),
    [
        pytest.param(_autoscaler(30), Ramp(210, 2, 6, 66), id="three times the minimum"),
        pytest.param(_autoscaler(None), Ramp(210, 2, 6), id="no target for the rate"),
        pytest.param(_autoscaler(30, maximum=5), Ramp(210, 2, 5, 66), id="as many as there may be"),
        pytest.param(_autoscaler(400), Ramp(MOST, 2, 3, 880), id="as many as the most that is sent asks for"),
        pytest.param(_autoscaler(0.5, minimum=1), Ramp(2, 1, 3, 0.55), id="a slow application"),
        pytest.param(_autoscaler(310), Ramp(MOST, 2, 3, 682), id="what the autoscaler tolerates asks for nothing"),
    ],
)
def test_a_ramp_asks_for_more_than_there_always_are(autoscaler: Autoscaler, ramp: Ramp) -> None:
    """Three times the minimum, but no more than the maximum, nor than the most that is sent asks for."""
    assert ramp_for(autoscaler) == ramp


def test_it_rises_tenfold() -> None:
    """It begins at a tenth, and at one request a second at least."""
    assert [ramp_for(_autoscaler(each)).start for each in (30, 0.5)] == [21, 1]


@pytest.mark.parametrize(
    ("autoscaler", "why"),
    [
        (_autoscaler(480), r"1,000 requests/s, the most .* the 2 replicas .* requestRate.targetPerReplica \(480\)"),
        (_autoscaler(100, minimum=10, maximum=50), r"the 10 replicas .* lower autoscaling.minReplicas"),
        (_autoscaler(30, maximum=2), "2 replicas under any load: raise autoscaling.maxReplicas"),
    ],
    ids=["within its tolerance", "many", "fixed"],
)
def test_a_ramp_that_asks_for_nothing_is_refused(autoscaler: Autoscaler, why: str) -> None:
    """Nothing could be seen of it: the error says what would change that."""
    with pytest.raises(LoadTestError, match=why):
        ramp_for(autoscaler)


def test_a_peak_that_is_given_may_ask_for_nothing() -> None:
    """Who says how high it rises has it so, and it must only come back; so without a target to tell by."""
    assert ramp_for(_autoscaler(30), 65) == Ramp(65, 2, 2, 66)
    assert ramp_for(_autoscaler(30), 100) == Ramp(100, 2, 4, 66)
    assert ramp_for(_autoscaler(None), 100) == Ramp(100, 2, 2)


def test_there_is_always_something_to_send() -> None:
    """A peak is a whole number of requests a second."""
    assert peak_for(_autoscaler(0.1, minimum=1)) == 1


@pytest.mark.parametrize(("bearable", "seconds"), [(0, 0), (10, 0), (55, 15), (100, 30), (200, 30)])
def test_a_rise_asks_for_more_once_the_minimum_is_too_few(bearable: float, seconds: float) -> None:
    """From 10 to 100 requests a second within 30 s it does so on the way, at the beginning, or at the end."""
    assert Ramp(100, 2, 3, bearable).asks_after(30) == seconds
