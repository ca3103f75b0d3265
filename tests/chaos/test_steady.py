import time
from collections.abc import Sequence
from itertools import pairwise

import pytest

from k8s.client.recorder import Moment
from loadtests.chaos.verdict import Bound
from loadtests.measure import Stage
from tests.chaos.experiment import Experiment, Extent, Start

pytestmark = pytest.mark.chaos

STEADY_RATE = 100
# Just what two replicas are meant for: a hair more or less is what an autoscaler may not follow.
AT_THE_TARGET = {"targetPerReplica": STEADY_RATE // 2}
STEADY_SECONDS = Extent(600, short=120)
LOW, HIGH = 20, 220
TOOTH_SECONDS = 40
TEETH = Extent(4, short=2)
# One way out, and one way back: what goes on after that flaps.
CHANGES = 1

# The chart's own patience, not the one of seconds that other experiments need.
PATIENT = {"scaleDown": {"stabilizationWindowSeconds": 300}}
HASTY = {
    "scaleUp": {"stabilizationWindowSeconds": 0, "tolerance": "0"},
    "scaleDown": {
        "stabilizationWindowSeconds": 0,
        "tolerance": "0",
        "policies": [{"type": "Percent", "value": 100, "periodSeconds": 5}],
    },
}

STEADY = Experiment(
    number=8,
    name="steady",
    promise="10 minutes of 100 requests/s, at the target of two replicas: at most one change of direction",
    sabotage="tolerance 0 and no stabilisation window",
    values={"autoscaling": {"requestRate": AT_THE_TARGET, "behavior": PATIENT}},
    sabotaged={"autoscaling": {"behavior": HASTY}},
)
SAWTOOTH = Experiment(
    number=8,
    name="sawtooth",
    promise="four teeth from 20 to 220 requests/s, 40 s each: at most one change of direction",
    sabotage="tolerance 0 and no stabilisation window",
    values={"autoscaling": {"behavior": PATIENT}},
    sabotaged={"autoscaling": {"behavior": HASTY}},
)


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_steady(start: Start) -> None:
    """Under a load that does not change, neither do the replicas."""
    run = start(STEADY)
    with run.load(STEADY_RATE):
        time.sleep(run.of(STEADY_SECONDS))
    run.conclude(*run.failed_within(0), *calm(run.moments))


def test_sawtooth(start: Start) -> None:
    """Under a load that rises and falls faster than the autoscaler's patience, it stays where the peaks need it."""
    run = start(SAWTOOTH)
    teeth = run.of(TEETH)
    with run.load([Stage(LOW, TOOTH_SECONDS, to_rate=HIGH)] * teeth):
        time.sleep(teeth * TOOTH_SECONDS - 1)
    run.conclude(*run.failed_within(0), *calm(run.moments), most_replicas=max(_wanted(run.moments)))


def calm(moments: Sequence[Moment]) -> list[Bound]:
    """Say that the replicas may turn back once at most."""
    return [Bound("changes of direction", changes_of_direction(_wanted(moments)), at_most=CHANGES)]


def changes_of_direction(wanted: Sequence[int]) -> int:
    """How often a rise was followed by a fall, or a fall by a rise."""
    steps = [after - before for before, after in pairwise(wanted) if after != before]
    return sum((before > 0) != (after > 0) for before, after in pairwise(steps))


def _wanted(moments: Sequence[Moment]) -> list[int]:
    return [moment.wanted for moment in moments if moment.wanted is not None]
