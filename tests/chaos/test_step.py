from pathlib import Path
from statistics import mean

import pytest
from kubernetes import client

from k8s.client.prometheus import Prometheus
from k8s.client.recorder import ReleaseRecorder
from loadtests.measure import Answers
from loadtests.measure.answers import AnswerRows, nearest_rank
from loadtests.measure.k6_csv import K6Csv
from loadtests.reaction import LINKS, measure_step, report, spent
from loadtests.reaction.measure import PATIENCE_SECONDS
from tests.chaos.experiment import Experiment, Extent, Start
from tests.chaos.verdict import Bound
from tests.e2e.load import BASE_URL

pytestmark = pytest.mark.chaos

DOCUMENT = Path("docs/reaction.md")
STEPS = Extent(10, short=3)
READY_P50_SECONDS, READY_P95_SECONDS = 20, 40
FAILED_SHARE = 0.001

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
    recorder = ReleaseRecorder(run.release)
    steps, answers = [], AnswerRows()
    with recorder.recording():
        for number in range(1, run.of(STEPS) + 1):
            folder = run.folder / f"step-{number}"
            steps.append(measure_step(api, run.release, prometheus, folder, environment={"BASE_URL": BASE_URL}))
            answers.add(K6Csv(folder / "k6.csv").added())
    run.answers, run.moments = Answers(answers.answers), recorder.moments
    report.write(steps, run.folder)
    if run.recorded and not run.sabotaged:
        report.document(steps, DOCUMENT)
    print(report.table(steps))  # noqa: T201 - the budget, with pytest -s
    ready = sorted(PATIENCE_SECONDS if step.ready is None else step.ready for step in steps)
    own = [spent(step) for step in steps]
    run.conclude(
        Bound("Ready after s, p50", nearest_rank(ready, 0.5), at_most=READY_P50_SECONDS),
        Bound("Ready after s, p95", nearest_rank(ready, 0.95), at_most=READY_P95_SECONDS),
        Bound("failed share", sum(step.failed for step in steps) / len(run.answers), at_most=FAILED_SHARE),
        steps=len(steps),
        **{f"mean s, {link}": mean([each[link] or 0 for each in own]) for link in LINKS},
    )
