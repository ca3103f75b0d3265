from pathlib import Path

import pytest
from kubernetes import client

from k8s.client.prometheus import Prometheus
from loadtests.chaos.experiments import step_load
from loadtests.reaction import Step, measure_step, report
from tests.chaos.experiment import Experiment, Extent, Start

pytestmark = pytest.mark.chaos

DOCUMENT = Path("docs/reaction.md")
STEPS = Extent(10, short=3)

STEP = Experiment(
    number=7,
    name="step",
    promise="10x the load, ten times: a new pod is Ready within 20 s (p50) and 40 s (p95), at most 0.1 % failed",
    sabotage="the request rate is that of the last 240 s, and CPU is not looked at",
    # Back at the minimum soon, for the next step.
    values={
        "autoscaling": {
            "requestRate": {"targetPerReplica": 30},
            "behavior": {"scaleDown": {"stabilizationWindowSeconds": 5}},
        }
    },
    sabotaged={"autoscaling": {"requestRate": {"windowSeconds": 240}, "cpu": {"targetUtilizationPercent": 1000}}},
)


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_step(start: Start, api: client.ApiClient, prometheus: Prometheus) -> None:
    """Soon after the load has grown tenfold there are pods to bear it; the time goes where the budget says."""
    run = start(STEP)

    def measure(folder: Path) -> Step:
        return measure_step(api, run.release, prometheus, folder, rate=20, environment=run.variables)

    steps, found = step_load(run, measure, steps=run.of(STEPS))
    report.write(steps, run.folder)
    if run.recorded and not run.sabotaged:
        report.document(steps, DOCUMENT)
    print(report.table(steps))  # noqa: T201 - the budget, with pytest -s
    run.conclude(*found.bounds, **found.figures)
