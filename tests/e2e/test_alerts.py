from collections.abc import Iterator

import pytest
from kubernetes import client

from k8s.client.application import PROMETHEUS
from k8s.client.waiting import wait_until
from k8s.prometheus import rules
from tests.e2e.in_cluster import get_json
from tests.e2e.release import NAME, NAMESPACE, Release, kubectl

pytestmark = pytest.mark.e2e

RUNBOOK = "RedisDown"
ALERT = f"UsersApi{RUNBOOK}"
REDIS = f"statefulset/{NAME}-redis"
# A ConfigMap's way into a pod, Prometheus' look at its files, and one evaluation.
LOADED_SECONDS = 120
# Three evaluations of 5 s, a `for` of 10 s, and Alertmanager's own 30 s.
FIRING_SECONDS = 120


@pytest.fixture
def alerts(api: client.ApiClient) -> Iterator[None]:
    """Give the chart's rules to Prometheus as `make install` does, with 10 s of patience where they have 2 min."""
    rendered = rules.of_chart(NAME, NAMESPACE)
    hurried = rendered.replace("for: 2m", "for: 10s")
    assert hurried != rendered
    rules.put(NAME, NAMESPACE, hurried)

    def loaded() -> set[str]:
        answer = get_json(api, PROMETHEUS, "/api/v1/rules", type="alert")
        return {rule["name"] for group in answer["data"]["groups"] for rule in group["rules"]} if answer else set()

    wait_until(loaded, lambda names: ALERT in names, LOADED_SECONDS, "the chart's alerts in Prometheus")
    yield
    rules.put(NAME, NAMESPACE, None)


@pytest.fixture
def no_redis() -> Iterator[None]:
    """Take the release's Redis away, and give it back at the end."""
    kubectl("scale", REDIS, "--replicas=0")
    yield
    kubectl("scale", REDIS, "--replicas=1")
    kubectl("rollout", "status", REDIS, "--timeout=120s")


def _active(api: client.ApiClient) -> dict[str, dict[str, str]]:
    """Alertmanager's active alerts of the release: name to annotations."""
    found = get_json(api, "monitoring/alertmanager:9093", "/api/v2/alerts", active="true") or []
    return {
        alert["labels"]["alertname"]: alert["annotations"]
        for alert in found
        if alert["labels"].get("namespace") == NAMESPACE
    }


@pytest.mark.usefixtures("alerts")
def test_an_alert_reaches_alertmanager_and_goes_away(
    release: Release, api: client.ApiClient, request: pytest.FixtureRequest
) -> None:
    """Without Redis the alert about it fires, with its runbook; once Redis is back it is resolved."""
    assert ALERT not in _active(api)
    request.getfixturevalue("no_redis")
    seen = wait_until(lambda: _active(api), lambda names: ALERT in names, FIRING_SECONDS, f"{ALERT} firing")
    assert seen[ALERT]["runbook_url"].endswith(f"/{RUNBOOK}.md")
    kubectl("scale", REDIS, "--replicas=1")
    wait_until(lambda: _active(api), lambda names: ALERT not in names, FIRING_SECONDS, f"{ALERT} resolved")
    assert release.ready() > 0
