from typing import Any

import pytest

from k8s.client.application import USERS_API, Metrics
from k8s.client.autoscaler import Target
from k8s.client.prometheus import Sample
from k8s.client.release import Release
from loadtests.watch import View
from loadtests.watch.events import read_events
from loadtests.watch.fleet import read_fleet
from loadtests.watch.traffic import traffic, traffic_query
from tests.unit.loadtests.watch.replay import Replay

SCALED_OBJECT = "/apis/keda.sh/v1alpha1/namespaces/users-api/scaledobjects/users-api"


def _answer(replay: Replay, end_of_path: str) -> Any:  # noqa: ANN401 - JSON
    return next(answer for path, answer in replay.answers.items() if path.endswith(end_of_path))


def test_fleet_while_it_scales_out(replay: Replay, release: Release) -> None:
    """More are wanted than ready, and what is not ready yet says why."""
    replay.play("scaling")
    seen = read_fleet(release)
    assert seen.wanted > seen.ready == sum(pod.ready for pod in seen.pods)
    assert {pod.state for pod in seen.pods} == {"Ready", "Starting"}
    assert all(pod.node and pod.restarts == 0 for pod in seen.pods)


def test_autoscaler_has_both_targets_by_name(release: Release) -> None:
    """CPU is a share of the request, the request rate a number a second and replica, whatever unit the API wrote."""
    scaler = read_fleet(release).autoscaler
    assert scaler is not None
    assert (scaler.minimum, scaler.maximum) == (2, 8)
    rate, cpu = scaler.targets
    assert (rate.name, rate.wanted, rate.unit) == ("request rate", 30, "/s each")
    assert (cpu.name, cpu.wanted, cpu.unit) == ("cpu", 80, "%")
    assert rate.current == pytest.approx(19.06, abs=0.01)
    assert not any(condition.is_fault for condition in scaler.conditions.values())


def test_metric_that_the_autoscaler_cannot_see_is_none(replay: Replay, release: Release) -> None:
    """A target whose metric is missing from the status is known by what is wanted alone."""
    _answer(replay, "/horizontalpodautoscalers")["items"][0]["status"]["currentMetrics"] = None
    scaler = read_fleet(release).autoscaler
    assert scaler is not None
    assert scaler.targets == (Target("request rate", None, 30, "/s each"), Target("cpu", None, 80, "%"))


@pytest.mark.parametrize(("kind", "metric"), [("External", "s0-prometheus"), ("Pods", "users_api_requests_in_flight")])
def test_requests_in_flight_are_told_from_their_rate(replay: Replay, release: Release, kind: str, metric: str) -> None:
    """KEDA's name for them is that of its first trigger, an adapter's the service's own."""
    hpa = _answer(replay, "/horizontalpodautoscalers")["items"][0]
    asked = {"metric": {"name": metric}, "target": {"averageValue": "10"}, "current": {"averageValue": "2500m"}}
    for metrics in (hpa["spec"]["metrics"], hpa["status"]["currentMetrics"]):
        metrics.append({"type": kind, kind.lower(): asked})
    scaler = read_fleet(release).autoscaler
    assert scaler is not None
    assert [target.name for target in scaler.targets] == ["request rate", "cpu", "in flight"]
    assert scaler.target("in flight") == Target("in flight", 2.5, 10, "each")


def test_keda_s_fallback_is_a_fault(replay: Replay, release: Release) -> None:
    """A value that KEDA made up because its query fails must not pass for a measured one."""
    condition = {"type": "Fallback", "status": "True", "reason": "FallbackExists", "message": "a trigger fails"}
    replay.answers[SCALED_OBJECT] = {"status": {"conditions": [condition]}}
    scaler = read_fleet(release).autoscaler
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
def test_state_of_a_pod_is_one_word_for_people(
    replay: Replay, release: Release, changes: dict[str, dict[str, Any]], state: str
) -> None:
    """It says what the pod is about, or what hinders it."""
    pods = _answer(replay, "/pods")
    for part, change in changes.items():
        pods["items"][0][part].update(change)
    pods["items"] = pods["items"][:1]
    if "status" in changes:
        pods["items"][0]["status"]["conditions"] = []
    assert [pod.state for pod in read_fleet(release).pods] == [state]


def test_pod_that_no_node_takes_says_so(replay: Replay, release: Release) -> None:
    """Without a node a pod waits for one."""
    pods = _answer(replay, "/pods")
    pods["items"] = pods["items"][:1]
    del pods["items"][0]["spec"]["nodeName"]
    pods["items"][0]["status"] = {"phase": "Pending"}
    assert [pod.state for pod in read_fleet(release).pods] == ["No node yet"]


def test_no_autoscaler_leaves_the_deployment_s_own_count(replay: Replay, release: Release) -> None:
    """Replicas wanted are the Deployment's when nothing scales it."""
    _answer(replay, "/horizontalpodautoscalers")["items"].clear()
    seen = read_fleet(release)
    assert seen.autoscaler is None
    assert seen.wanted == _answer(replay, "/deployments")["items"][0]["spec"]["replicas"]


def test_traffic_under_load(view: View) -> None:
    """One answer holds rates by status and pod, three percentiles, the cache's tiers, and the breaker of each pod."""
    seen = view.traffic.source()
    assert seen.rate == pytest.approx(sum(seen.by_pod.values()))
    assert seen.rate > 100
    assert None not in (seen.p50_ms, seen.p95_ms, seen.p99_ms)
    assert set(seen.by_cache_tier) <= {"l1", "l2", "miss", "stale"}
    assert set(seen.redis_available_by_pod) == set(seen.by_pod)
    assert seen.failed == 0


def test_a_release_without_postgresql_has_none(view: View) -> None:
    """The recorded cluster had none."""
    assert view.traffic.source().database is None


def test_the_database_under_load(view: View, replay: Replay) -> None:
    """One answer, here of a real PostgreSQL with a replica, holds what the service's replicas count of it."""
    replay.play_database()
    seen = view.traffic.source().database
    assert seen is not None
    assert list(seen.primary_available_by_pod.values()) == [True, True]
    assert seen.statements > 1
    assert seen.p95_ms is not None
    assert 0 < seen.p95_ms < 1000
    assert (seen.in_use, seen.connections, seen.shed) == (0, 32, 0)
    assert seen.behind_seconds is not None
    assert 0 < seen.behind_seconds < 1


def test_traffic_without_any_series_is_unknown() -> None:
    """Before the first scrape there is a rate of nothing, and no latency."""
    seen = traffic([Sample({"part": "p95"}, ((0, float("nan")),))])
    assert (seen.rate, seen.p95_ms, seen.refused, seen.oldest_scrape_seconds) == (0, None, None, None)


def test_query_asks_for_the_release_s_pods_alone() -> None:
    """Each part is kept to the pods whose series are given."""
    query = traffic_query('pod="a"', 30, USERS_API.metrics)
    assert query.count('{pod="a"') == 17
    assert query.count("[30s]") == 11


def test_another_application_is_asked_for_its_own_series() -> None:
    """What it names is asked for by that name, what it does not name is not, and each status has its label's value."""
    query = traffic_query('pod="a"', 30, Metrics("shop_requests_total", "code", "shop_seconds", "shop_"))
    assert 'sum by (code) (rate(shop_requests_total{pod="a"}[30s]))' in query
    assert 'sum by (le) (rate(shop_seconds_bucket{pod="a"}[30s]))' in query
    assert 'rate(shop_cache_requests_total{pod="a"}[30s])' in query
    assert "users_api" not in query
    assert "http_" not in query
    assert traffic_query('pod="a"', 30, Metrics()).count('pod="a"') == 1
    assert 'sum by () (rate(shop{pod="a"}[30s]))' in traffic_query('pod="a"', 30, Metrics("shop"))
    assert traffic([Sample({"part": "status", "code": "503"}, ((0, 2),))]).failed == 2


def test_events_are_the_release_s_newest_first(replay: Replay, release: Release) -> None:
    """The last time of each counts, and other objects' events are left out."""
    listed = _answer(replay, "/events")["items"]
    own = len(listed)
    listed.insert(0, {**listed[0], "involvedObject": {"kind": "Pod", "name": "stranger"}})
    seen = read_events(release)
    assert len(seen) == own
    assert [event.at_s for event in seen] == sorted((event.at_s for event in seen), reverse=True)
    assert "SuccessfulRescale" in {event.reason for event in seen}
