import pytest

from loadtests.chaos.experiments import restart_all
from tests.chaos.experiment import Experiment, Extent, Start
from tests.chaos.sabotage import NO_RETRIES, NO_SHUTDOWN_DELAY, remove_pre_stop
from tests.chaos.traffic import traffic
from tests.chaos.values import FOUR
from tests.chaos.way_in import both_ways_in

pytestmark = pytest.mark.chaos

ROUNDS = Extent(3, short=1)
REQUESTS = Extent(30_000, short=2_000)

ROLLING_RESTART = Experiment(
    number=1,
    name="rolling-restart",
    promise="0 failed of 30,000 requests while all pods restart three times at 200 requests/s",
    sabotage="no preStop sleep, no shutdown delay, no retries",
    values=FOUR,
    sabotaged={**NO_RETRIES, **NO_SHUTDOWN_DELAY},
    break_it=remove_pre_stop,
)


@both_ways_in(ROLLING_RESTART, short=False)
def test_rolling_restart(start: Start, experiment: Experiment) -> None:
    """All pods are replaced again and again under load, and no request fails, writes included."""
    run = start(experiment)
    found = restart_all(run, traffic(run), rounds=run.of(ROUNDS), requests=run.of(REQUESTS))
    run.conclude(*found.bounds)
