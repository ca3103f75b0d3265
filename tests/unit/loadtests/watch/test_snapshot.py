from typing import Any

import pytest

from k8s.client.autoscaler import Target
from loadtests.watch.events import events
from loadtests.watch.fleet import fleet
from loadtests.watch.traffic import traffic, traffic_query
from tests.unit.loadtests.watch.replay import Replay

NAMESPACE = "namespaces/users-api"


def _answer(moment: str, end_of_path: str) -> Any:  # noqa: ANN401 - JSON
    answers = Replay.read(moment)
    return next(answer for path, answer in answers.items() if path.endswith(end_of_path))


def _objects(moment: str) -> tuple[Any, Any, Any]:
    return (
        _answer(moment, "/deployments")["items"][0],
        _answer(moment, "/pods"),
        _answer(moment, "/horizontalpodautoscalers"),
    )


def test_fleet_while_it_scales_out() -> None:
    """More are wanted than ready, and what is not ready yet says why."""
    seen = fleet(*_objects("scaling"))
    assert seen.wanted > seen.ready == sum(pod.ready for pod in seen.pods)
    assert {pod.state for pod in seen.pods} == {"Ready", "Starting"}
    assert all(pod.node and pod.restarts == 0 for pod in seen.pods)


def test_autoscaler_has_both_targets_by_name() -> None:
    """CPU is a share of the request, the request rate a number a second and replica, whatever unit the API wrote."""
    scaler = fleet(*_objects("peak")).autoscaler
    assert scaler is not None
    assert (scaler.minimum, scaler.maximum) == (2, 8)
    rate, cpu = scaler.targets
    assert (rate.name, rate.wanted, rate.unit) == ("request rate", 30, "/s each")
    assert (cpu.name, cpu.wanted, cpu.unit) == ("cpu", 80, "%")
    assert rate.current == pytest.approx(19.06, abs=0.01)
    assert not any(condition.is_fault for condition in scaler.conditions.values())


def test_metric_that_the_autoscaler_cannot_see_is_none() -> None:
    """A target whose metric is missing from the status is known by what is wanted alone."""
    deployment, pods, scalers = _objects("idle")
    scalers["items"][0]["status"]["currentMetrics"] = None
    scaler = fleet(deployment, pods, scalers).autoscaler
    assert scaler is not None
    assert scaler.targets == (Target("request rate", None, 30, "/s each"), Target("cpu", None, 80, "%"))


def test_keda_s_fallback_is_a_fault() -> None:
    """A value that KEDA made up because its query fails must not pass for a measured one."""
    condition = {"type": "Fallback", "status": "True", "reason": "FallbackExists", "message": "a trigger fails"}
    scaler = fleet(*_objects("peak"), {"status": {"conditions": [condition]}}).autoscaler
    assert scaler is not None
    assert [each.kind for each in scaler.conditions.values() if each.is_fault] == ["Fallback"]


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}}, "Stopping"),
        ({"status": {"phase": "Pending", "conditions": [], "containerStatuses": []}}, "Starting"),
        ({"status": {"phase": "Failed", "conditions": [], "containerStatuses": []}}, "Failed"),
        (
            {
                "status": {
                    "phase": "Running",
                    "containerStatuses": [{"restartCount": 4, "state": {"waiting": {"reason": "CrashLoopBackOff"}}}],
                }
            },
            "CrashLoopBackOff",
        ),
        (
            {
                "status": {
                    "phase": "Running",
                    "containerStatuses": [{"restartCount": 0, "started": True, "state": {"running": {}}}],
                }
            },
            "Not ready",
        ),
    ],
)
def test_state_of_a_pod_is_one_word_for_people(changes: dict[str, dict[str, Any]], state: str) -> None:
    """It says what the pod is about, or what hinders it."""
    deployment, pods, scalers = _objects("idle")
    for part, change in changes.items():
        pods["items"][0][part].update(change)
    pods["items"] = pods["items"][:1]
    if "status" in changes:
        pods["items"][0]["status"]["conditions"] = []
    assert [pod.state for pod in fleet(deployment, pods, scalers).pods] == [state]


def test_pod_that_no_node_takes_says_so() -> None:
    """Without a node a pod waits for one."""
    deployment, pods, scalers = _objects("idle")
    pods["items"] = pods["items"][:1]
    del pods["items"][0]["spec"]["nodeName"]
    pods["items"][0]["status"] = {"phase": "Pending"}
    assert [pod.state for pod in fleet(deployment, pods, scalers).pods] == ["No node yet"]


def test_no_autoscaler_leaves_the_deployment_s_own_count() -> None:
    """Replicas wanted are the Deployment's when nothing scales it."""
    deployment, pods, _ = _objects("idle")
    seen = fleet(deployment, pods, {"items": []})
    assert seen.autoscaler is None
    assert seen.wanted == deployment["spec"]["replicas"]


def test_traffic_under_load() -> None:
    """One answer holds rates by status and pod, three percentiles, the cache's tiers, and the breaker of each pod."""
    result = _answer("peak", "/query")["data"]["result"]
    seen = traffic([(series["metric"], float(series["value"][1])) for series in result])
    assert seen.rate == pytest.approx(sum(seen.by_pod.values()))
    assert seen.rate > 100
    assert None not in (seen.p50_ms, seen.p95_ms, seen.p99_ms)
    assert set(seen.by_cache_tier) <= {"l1", "l2", "miss", "stale"}
    assert set(seen.redis_available_by_pod) == set(seen.by_pod)
    assert seen.failed == 0


def test_traffic_without_any_series_is_unknown() -> None:
    """Before the first scrape there is a rate of nothing, and no latency."""
    seen = traffic([({"part": "p95"}, float("nan"))])
    assert (seen.rate, seen.p95_ms, seen.refused, seen.oldest_scrape_seconds) == (0, None, None, None)


def test_query_asks_for_the_release_s_pods_alone() -> None:
    """Each part is kept to the namespace and to names that the Deployment gives."""
    query = traffic_query("here", "users-api", 30)
    assert query.count('{namespace="here",pod=~"users-api-[a-z0-9]+-[a-z0-9]{5}"}') == 10
    assert query.count("[30s]") == 8


def test_events_are_the_release_s_newest_first() -> None:
    """The last time of each counts, and other objects' events are left out."""
    listed = _answer("peak", "/events")
    other = {**listed["items"][0], "involvedObject": {"kind": "Pod", "name": "stranger"}}
    seen = events({"items": [other, *listed["items"]]}, "users-api")
    assert len(seen) == len(listed["items"])
    assert [event.at_s for event in seen] == sorted((event.at_s for event in seen), reverse=True)
    assert "SuccessfulRescale" in {event.reason for event in seen}
