from datetime import UTC, datetime
from typing import Any

import pytest

from k8s.client.errors import NoAnswerError
from k8s.doctor.counted import Counted, Sample, count_for_cpu, count_for_values, count_ready, read_samples, seconds
from k8s.doctor.snapshot import read

NOW_S = datetime(2026, 11, 30, 1, 50, tzinfo=UTC).timestamp()
Json = dict[str, Any]


def pod(*, ready: str = "True", changed: str = "01:00:05", started: str = "01:00:00", **of_status: object) -> Json:
    """A pod that runs, ready or not since when it changed."""
    condition = {"type": "Ready", "status": ready, "lastTransitionTime": f"2026-11-30T{changed}Z"}
    status = {"phase": "Running", "startTime": f"2026-11-30T{started}Z", "conditions": [condition], **of_status}
    return {"metadata": {"name": "one", "creationTimestamp": f"2026-11-30T{started}Z"}, "status": status}


@pytest.mark.parametrize(
    ("one", "sample", "group"),
    [
        (pod(), Sample(NOW_S - 5, 15), Counted(1)),
        (pod(phase="Pending"), None, Counted(0, unready=1)),
        (pod(), None, Counted(0, missing=1)),
        (pod(phase="Failed"), Sample(NOW_S, 15), Counted(0)),
        (pod(conditions=[]), Sample(NOW_S, 15), Counted(0, unready=1)),
        # Of 20 s of being ready the sample's 15 are all of a pod that was ready; of 10 s they are not.
        (pod(started="01:49:00", changed="01:49:40"), Sample(NOW_S, 15), Counted(1)),
        (pod(started="01:49:00", changed="01:49:50"), Sample(NOW_S, 15), Counted(0, unready=1)),
        (pod(started="01:49:00", changed="01:49:10", ready="False"), Sample(NOW_S, 15), Counted(0, unready=1)),
        # Long started: it never was ready, or was and is no more, which may be because it has too much to do.
        (pod(ready="False"), Sample(NOW_S, 15), Counted(0, unready=1)),
        (pod(ready="False", changed="01:30:00"), Sample(NOW_S, 15), Counted(1)),
    ],
)
def test_a_pod_counts_as_the_controller_counts_it(one: Json, sample: Sample | None, group: Counted) -> None:
    """What a pod took to start adds no pods, and a pod that is over is none."""
    assert count_for_cpu([one], {"one": sample} if sample else {}, NOW_S) == group


def test_a_pod_that_stops_is_none() -> None:
    """A pod that was told to end has no say."""
    one = pod()
    one["metadata"]["deletionTimestamp"] = "2026-11-30T01:49:59Z"
    assert count_for_cpu([one], {}, NOW_S) == count_for_values([one]) == Counted(0)


def test_without_samples_each_is_measured() -> None:
    """Where metrics-server does not answer now, the autoscaler may still have had each pod's value."""
    assert count_for_cpu([pod(), pod(started="01:49:00", changed="01:49:50")], None, NOW_S) == Counted(2)


def test_values_are_of_pods_that_run() -> None:
    """A metric that pods have themselves is asked of those that run, ready or not."""
    assert count_for_values([pod(), pod(ready="False"), pod(phase="Pending")]) == Counted(2, unready=1)
    assert count_ready([pod(), pod(ready="False"), pod(phase="Pending")]) == 1


@pytest.mark.parametrize(("text", "value"), [("19.453s", 19.453), ("1m0.5s", 60.5), ("1h", 3600), ("500ms", 0.5)])
def test_durations_are_gos(text: str, value: float) -> None:
    """A sample's window is a duration as Go writes it."""
    assert seconds(text) == pytest.approx(value)


class WithoutMetrics:
    """An API server with a release, and no metrics-server."""

    def get(self, path: str) -> Any:  # noqa: ANN401 - JSON
        """Answer as an Api does."""
        if "metrics" in path:
            raise NoAnswerError(503, "no endpoints")
        labels = {"app.kubernetes.io/name": "users-api"}
        deployment = {"metadata": {"name": "users-api", "labels": labels}, "spec": {"replicas": 1}}
        return {"items": [deployment] if "deployments" in path else []}


def test_metrics_server_may_be_away() -> None:
    """Without an answer there are no samples."""
    api = WithoutMetrics()
    assert read_samples(api, read(api, "users-api", "users-api", NOW_S)) is None
