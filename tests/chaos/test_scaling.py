from functools import partial

import pytest

from loadtests.chaos.experiments import scale_out_and_in
from tests.chaos.experiment import Experiment, Extent, Run, Start
from tests.chaos.sabotage import NO_RETRIES, NO_SHUTDOWN_DELAY, remove_pre_stop
from tests.chaos.traffic import RATE, traffic
from tests.chaos.values import CPU_OUT_OF_REACH
from tests.chaos.way_in import both_ways_in

pytestmark = pytest.mark.chaos

FEWEST, MOST = 2, 8
# The share of the load of each replica at which the autoscaler wants as many: beyond the limit that it keeps to, as it
# lets be what is within a tenth of the target.
SHARES = {FEWEST: 1 / (FEWEST - 0.4), MOST: 1 / (MOST + 0.5)}
ROUNDS = Extent(2, short=1)

SCALING = Experiment(
    number=2,
    name="scaling",
    promise="0 failed while the autoscaler goes from 2 replicas to 8 and back at 200 requests/s",
    sabotage="no preStop sleep, no shutdown delay, no retries",
    values={"autoscaling": {**CPU_OUT_OF_REACH, "requestRate": {"targetPerReplica": RATE.full * SHARES[FEWEST]}}},
    sabotaged={**NO_RETRIES, **NO_SHUTDOWN_DELAY},
    break_it=remove_pre_stop,
)


@both_ways_in(SCALING, short=False)
def test_scaling(start: Start, experiment: Experiment) -> None:
    """The autoscaler adds six replicas and takes them away again under load, and no request fails."""
    run = start(experiment)
    found = scale_out_and_in(
        run, traffic(run), partial(tell, run, run.of(RATE)), fewest=FEWEST, most=MOST, rounds=run.of(ROUNDS)
    )
    run.conclude(*found.bounds)


def tell(run: Run, rate: int, replicas: int) -> None:
    """Give the autoscaler another target, for which it wants so many at this many requests a second."""
    threshold = "/spec/triggers/1/metadata/threshold"
    target = rate * SHARES[replicas]
    run.release.patch("scaledobject", {"op": "replace", "path": threshold, "value": f"{target:.1f}"})
