import math
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes import client

from k8s.client.release import Release as Measured
from loadtests.chaos.verdict import Bound
from loadtests.measure import Request, Stage
from loadtests.simulate.settings import values
from loadtests.tune.command import tune
from loadtests.tune.offer import Target
from loadtests.tune.sizing import Stated
from loadtests.tune.wish import Wish
from tests import planted
from tests.chaos.experiment import Experiment, Extent, Start
from tests.chaos.values import VALUES
from tests.e2e.release import NAME, NAMESPACE

pytestmark = [pytest.mark.chaos, pytest.mark.long, pytest.mark.timeout(2400)]

P95_MS = 150
# Of the capacity of a replica. Among fewer replicas the one that may be away is much, and half of them do.
PEAK, LOW = 3.4, 0.4
RISE_SECONDS = Extent(180, short=90)
HOLD_SECONDS = Extent(60, short=30)
READ = Request("/", name="read")
BASE_SECONDS = 10
ENDLESS = 600
AT_LEAST, AT_MOST = 0.9, 1.1


def _planted(slots: int, milliseconds: float, spin: float) -> dict[str, Any]:
    """Run the application in the service's image, counted as its own."""
    arguments = [Path(planted.__file__).read_text(encoding="utf-8"), *map(str, (slots, milliseconds, spin, 8000))]
    return {
        "app": {"command": ["python", "-c"], "args": arguments, "path": "/healthz"},
        "probes": {name: {"path": "/healthz"} for name in ("startup", "liveness", "readiness")},
        "metrics": {"requests": {"counter": "planted_requests_total", "statusLabel": "status"}},
        "routing": {"paths": ["/"]},
    }


TUNE_SLEEP = Experiment(
    number=22,
    name="tune-sleep",
    promise="a replica that can sleep 100 times a second is measured to a tenth; its values hold the peak, 0 failed",
    sabotage="half the replicas that the values ask for",
    values=_planted(4, 40, 0),
)
# At work for a fifth of the time: seven of them at their target leave the load and the way in a core of two.
TUNE_SPIN = Experiment(
    number=22,
    name="tune-spin",
    promise="a replica that can work 50 times a second is measured to a tenth; its values hold the peak, 0 failed",
    sabotage="half the replicas that the values ask for",
    values=_planted(1, 20, 0.2),
)


@pytest.mark.parametrize(
    ("experiment", "capacity"),
    [pytest.param(TUNE_SLEEP, 100, id="sleep"), pytest.param(TUNE_SPIN, 50, id="spin")],
)
def test_tune(start: Start, api: client.ApiClient, experiment: Experiment, capacity: float) -> None:
    """What `make tune` writes for a stated peak bears it, and half of that does not."""
    run = start(experiment)
    stated = Stated(peak=PEAK * capacity, low=LOW * capacity, rise_seconds=run.of(RISE_SECONDS))
    target = Target(run.base_url, "test-token", READ, P95_MS, warm_up_seconds=2)
    wish = Wish(stated=stated, target=target, values=values("values-kind.yaml"), first_rate=capacity / 4, hold=0)
    found = tune(api, Measured(api, NAMESPACE, NAME), wish, run.folder / "tune")
    tuned = yaml.safe_load((run.folder / "tune" / "values.yaml").read_text(encoding="utf-8"))
    if run.sabotaged:
        tuned["autoscaling"] |= _halved(tuned["autoscaling"])
    run.mark("tuned values")
    run.release.configure(VALUES, experiment.values, {"autoscaling": tuned["autoscaling"]})
    run.release.wait_for_minimum(180)
    rise, hold = run.of(RISE_SECONDS), run.of(HOLD_SECONDS)
    low, peak = round(stated.low), round(stated.peak)
    with run.load([Stage(low, BASE_SECONDS), Stage(low, rise, to_rate=peak), Stage(peak, ENDLESS)], requests=[READ]):
        time.sleep(BASE_SECONDS + rise)
        at_peak = run.mark("peak")
        time.sleep(hold)
    run.conclude(
        *run.failed_within(0),
        Bound("p95 at the peak, ms", run.answers.between(at_peak, math.inf).typical_ms(0.95, 1), at_most=P95_MS),
        Bound("capacity by the planted one", found.capacity.rate / capacity, at_least=AT_LEAST, at_most=AT_MOST),
        pod_hours_of_a_day=found.pod_hours,
    )


def _halved(autoscaling: Mapping[str, Any]) -> dict[str, int]:
    return {name: max(1, autoscaling[name] // 2) for name in ("minReplicas", "maxReplicas")}
