from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from k8s.doctor.counted import Sample
from k8s.doctor.proposal import proposals, read_metrics
from k8s.doctor.snapshot import Snapshot

NOW_S = datetime(2026, 11, 30, 1, 50, tzinfo=UTC).timestamp()
STARTED = "2026-11-30T01:00:00Z"
READY, NEVER_READY, UNMEASURED = "ready", "never ready", "unmeasured"
CPU = {"type": "Resource", "resource": {"name": "cpu"}}
Json = dict[str, Any]


def autoscaler(metric: Json, target: Json, current: Json | None, replicas: int, **behavior: Json) -> Json:
    """An autoscaler with one metric, which it last saw so."""
    kind = str(metric["type"])
    field = kind[:1].lower() + kind[1:]
    seen = {"type": kind, field: {**metric[field], "current": current}} if current else {"type": ""}
    return {
        "spec": {"metrics": [{"type": kind, field: {**metric[field], "target": target}}], "behavior": behavior},
        "status": {"currentReplicas": replicas, "desiredReplicas": replicas, "currentMetrics": [seen]},
    }


def pod(number: int, how: str) -> Json:
    """A pod that runs."""
    ready = {"type": "Ready", "status": "False" if how == NEVER_READY else "True", "lastTransitionTime": STARTED}
    return {
        "metadata": {"name": f"{number}", "creationTimestamp": STARTED},
        "status": {"phase": "Running", "startTime": STARTED, "conditions": [ready]},
    }


def ask(hpa: Json, pods: Sequence[str], created: int | None = None) -> tuple[int, int] | None:
    """Ask how many replicas the one metric asks for, at least and at most."""
    release = Snapshot(
        namespace="users-api",
        name="users-api",
        deployment="users-api",
        chart_name="users-api",
        pod_selector="",
        wanted=len(pods),
        max_surge=1,
        created=len(pods) if created is None else created,
        pods=(),
        listed_pods=tuple(pod(number, how) for number, how in enumerate(pods)),
        hpa=hpa,
        scaled_object=None,
        now_s=NOW_S,
    )
    samples = {f"{number}": Sample(NOW_S, 15) for number, how in enumerate(pods) if how != UNMEASURED}
    ((_, proposal),) = proposals(hpa, release, samples)
    return (proposal.least, proposal.most) if proposal else None


# The cases, and what they come to, are those of the controller's own tests: pkg/controller/podautoscaler of Kubernetes
# 1.36, replica_calculator_test.go, by the name that is given.
@pytest.mark.parametrize(
    ("target", "seen", "replicas", "pods", "comes_to"),
    [
        pytest.param(30, 50, 3, [READY] * 3, 5, id="ScaleUp"),
        pytest.param(30, 60, 3, [NEVER_READY, READY, READY], 4, id="ScaleUpUnreadyLessScale"),
        pytest.param(100, 24, 4, [READY] * 2 + [UNMEASURED] * 2, 3, id="MissingMetrics"),
        pytest.param(100, 100, 2, [READY, UNMEASURED], 2, id="MissingMetricsNoChangeEq"),
        pytest.param(100, 190, 2, [READY, UNMEASURED], 2, id="MissingMetricsNoChangeGt"),
        pytest.param(100, 60, 2, [READY, UNMEASURED], 2, id="MissingMetricsNoChangeLt"),
        pytest.param(50, 45, 3, [NEVER_READY, READY, UNMEASURED], 3, id="MissingMetricsUnreadyChange"),
        pytest.param(50, 200, 3, [NEVER_READY, READY, UNMEASURED], 4, id="MissingMetricsUnreadyScaleUp"),
        pytest.param(50, 10, 4, [NEVER_READY, READY, READY, UNMEASURED], 3, id="MissingMetricsUnreadyScaleDown"),
        pytest.param(50, 10, 2, [READY, READY, UNMEASURED], 2, id="DuringRollingUpdateWithMaxSurge"),
    ],
)
def test_utilization_comes_to_what_the_controller_computes(
    target: int, seen: int, replicas: int, pods: Sequence[str], comes_to: int
) -> None:
    """Pods that are too new or have no value count as the controller counts them."""
    hpa = autoscaler(CPU, {"averageUtilization": target}, {"averageUtilization": seen}, replicas)
    assert ask(hpa, pods) == (comes_to, comes_to)


@pytest.mark.parametrize(
    ("target", "seen", "replicas", "comes_to"),
    [
        # Four in the controller's own test, of 8.6 in all: the mean may be that of 8.601, which needs five.
        pytest.param("2150m", "2867m", 3, (4, 5), id="ScaleUpPerPodCMExternal"),
        pytest.param("2867m", "1720m", 5, (3, 3), id="ScaleDownPerPodCMExternal"),
        # 90 in all, of which the mean of seven is rounded up: 90 may have been 90.006.
        pytest.param("30", "12858m", 7, (3, 4), id="at a border"),
        pytest.param("30", "33", 8, (8, 8), id="within the tolerance"),
        pytest.param("30", "0", 2, (0, 0), id="nothing is asked"),
    ],
)
def test_a_value_of_all_is_what_the_mean_leaves(
    target: str, seen: str, replicas: int, comes_to: tuple[int, int]
) -> None:
    """Of one value of all the status has the mean, rounded up; where that leaves two counts, both are told."""
    metric = {"type": "External", "external": {"metric": {"name": "s1-prometheus"}}}
    assert ask(autoscaler(metric, {"averageValue": target}, {"averageValue": seen}, replicas), [READY] * replicas) == (
        comes_to
    )


def test_a_rollouts_pods_share_a_value_of_all() -> None:
    """During a rollout the mean is of more pods than replicas are wanted: the value of all is that of these."""
    metric = {"type": "External", "external": {"metric": {"name": "s1-prometheus"}}}
    hpa = autoscaler(metric, {"averageValue": "30"}, {"averageValue": "40"}, 4)
    assert ask(hpa, [READY] * 4, created=5) == (7, 7)


def test_a_step_was_of_the_pods_before_it() -> None:
    """After a step the mean is still that of the pods there were."""
    metric = {"type": "External", "external": {"metric": {"name": "s1-prometheus"}}}
    hpa = autoscaler(metric, {"averageValue": "30"}, {"averageValue": "60"}, 2)
    hpa["status"]["desiredReplicas"] = 4
    assert ask(hpa, [READY] * 4) == (4, 4)


@pytest.mark.parametrize(
    ("kind", "metric"),
    [
        ("External", {"metric": {"name": "queue"}}),
        ("Object", {"metric": {"name": "queue"}, "describedObject": {"kind": "Ingress", "name": "users-api"}}),
    ],
)
def test_a_value_that_is_not_shared_asks_by_its_ratio(kind: str, metric: Json) -> None:
    """A target for a value as it is asks for so many times the ready pods; within the tolerance for no other count."""
    of_kind = {"type": kind, kind.lower(): metric}
    pods = [READY, READY, NEVER_READY]
    assert ask(autoscaler(of_kind, {"value": "4400m"}, {"value": "8600m"}, 3), pods) == (4, 4)
    assert ask(autoscaler(of_kind, {"value": "10"}, {"value": "10500m"}, 3), pods) == (3, 3)


def test_a_metric_of_pods_counts_those_that_run() -> None:
    """A value that each pod has is a mean of the pods that run, ready or not."""
    metric = {"type": "Pods", "pods": {"metric": {"name": "rate"}}}
    assert ask(autoscaler(metric, {"averageValue": "30"}, {"averageValue": "45"}, 2), [READY, NEVER_READY]) == (3, 3)


def test_a_tolerance_of_the_behavior_is_minded() -> None:
    """Where the behavior says how far off a metric may be, that holds in its direction."""
    rules = {"scaleUp": {"tolerance": "50m"}, "scaleDown": {"tolerance": "0.5"}}

    def comes_to(percent: int) -> tuple[int, int] | None:
        """What a share of 100 wanted asks for."""
        hpa = autoscaler(CPU, {"averageUtilization": 100}, {"averageUtilization": percent}, 4, **rules)
        return ask(hpa, [READY] * 4)

    assert comes_to(104) == (4, 4)
    assert comes_to(106) == (5, 5)
    assert comes_to(55) == (4, 4)
    assert comes_to(45) == (2, 2)


def test_what_has_no_value_asks_for_nothing() -> None:
    """A metric that is <unknown> has no say."""
    assert ask(autoscaler(CPU, {"averageUtilization": 100}, None, 4), [READY] * 4) is None


@pytest.mark.parametrize(
    ("kind", "name", "said"),
    [
        ("Pods", "http_requests_per_second", "request rate"),
        ("Pods", "users_api_requests_in_flight", "number in flight"),
        ("External", "s0-prometheus", "number in flight"),
        ("External", "s2-prometheus", "request rate"),
    ],
)
@pytest.mark.parametrize("of_chart", [True, False], ids=["its triggers are known", "they are not"])
def test_requests_in_flight_are_named_otherwise_than_their_rate(
    kind: str, name: str, said: str, *, of_chart: bool
) -> None:
    """Both are known by the names that the chart's triggers have, or those that an adapter and KEDA give them."""
    triggers = [{"name": "in-flight"}, {}, {"name": "request-rate"}]
    hpa = autoscaler({"type": kind, kind.lower(): {"metric": {"name": name}}}, {"averageValue": "10"}, None, 2)
    (metric,) = read_metrics(hpa, {"spec": {"triggers": triggers}} if of_chart else None)
    assert metric.name == said
