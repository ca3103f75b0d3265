import pytest

from loadtests.errors import LoadTestError
from loadtests.simulate.clock import Clock
from loadtests.simulate.fidelity import Fidelity, fidelity, percentile
from loadtests.simulate.fleet import App, Fleet, Pod
from loadtests.simulate.pod_model import Served
from loadtests.simulate.settings import settings


def test_looks_and_scheduling_are_measured() -> None:
    """Gaps between an autoscaler's looks, and the wait of pods that were not there at the start."""
    app = App("shop", settings({})[0], [1.0], Served([1.0], 1000), asked=[0, 15, 31])
    app.pods.update({"first": Pod(0, 900), "new": Pod(100, 103), "waits": Pod(200)})
    seen = fidelity(Fleet(Clock(15), [app]), cpu_seconds=7)
    assert (seen.looks, seen.between_looks_p50_s, seen.scheduling_p50_s, seen.cpu_seconds) == (2, 15.5, 3, 7)


@pytest.mark.parametrize(("p50", "p99"), [(30, 40), (15, 200)])
def test_a_machine_that_is_too_slow_is_told(p50: float, p99: float) -> None:
    """An autoscaler that looks half as often, or now and then not for minutes, is not the one that is asked about."""
    with pytest.raises(LoadTestError, match="too slow or too busy"):
        Fidelity(100, p50, p99, 1, 1, 1).require(15)


def test_a_machine_that_keeps_up_is_accepted() -> None:
    """A look takes its time, so they are a little more than the period apart."""
    Fidelity(100, 15.6, 22, 1, 1, 1).require(15)


@pytest.mark.parametrize(("values", "expected"), [([], 0), ([4.0], 4), ([1.0, 2.0, 3.0], 2)])
def test_percentiles_of_few(values: list[float], expected: float) -> None:
    """None, one and more have a median."""
    assert percentile(values, 50) == expected
