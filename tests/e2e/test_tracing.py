import json
import secrets
import time
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from kubernetes import client

from k8s.client.api import get
from k8s.client.application import PROMETHEUS
from k8s.client.pod import read_pod
from k8s.client.waiting import wait_until
from k8s.ingress import controllers
from k8s.ingress.controllers import INGRESS_NGINX
from tests.e2e.controller import controller
from tests.e2e.in_cluster import get_json
from tests.e2e.release import MINIMUM, NAMESPACE, Release, kubectl

pytestmark = pytest.mark.e2e

# Of its own no part begins a trace here: what is found was asked for.
TRACED: dict[str, Any] = {
    "tracing": {"enabled": True, "endpoint": "http://otel-collector.monitoring.svc:4318", "sampleRatio": 0},
    "config": {"accessLogSampleRatio": 1},
}
# The service sends its spans every 5 s, and Prometheus scrapes as often.
ARRIVAL_SECONDS = 60


@dataclass(frozen=True)
class Span:
    """What a trace says of one piece of work."""

    service: str
    name: str
    id: str
    parent: str
    pod: str


@pytest.fixture(scope="module")
def traced(installed: Release) -> Release:
    """Give the shared release, sending traces."""
    installed.configure(TRACED)
    installed.wait_for_replicas(MINIMUM, seconds=120)
    return installed


@pytest.fixture
def caller(http: httpx.Client) -> tuple[str, str]:
    """Send one request in a trace of its own; gives the trace's id and that of the caller's span."""
    trace, span = secrets.token_hex(16), secrets.token_hex(8)
    user = secrets.randbelow(50) + 50
    http.get(f"/api/users/{user}", headers={"traceparent": f"00-{trace}-{span}-01"}).raise_for_status()
    return trace, span


def _spans(api: client.ApiClient, trace: str) -> list[Span]:
    answer = get_json(api, "monitoring/jaeger:16686", f"/api/traces/{trace}")
    if not answer or not answer["data"]:
        return []
    found = answer["data"][0]
    processes = found["processes"]
    return [
        Span(
            processes[span["processID"]]["serviceName"],
            span["operationName"],
            span["spanID"],
            next((reference["spanID"] for reference in span["references"]), ""),
            _said(processes[span["processID"]]["tags"], "k8s.pod.name") or _said(span["tags"], "podName"),
        )
        for span in found["spans"]
    ]


def _said(tags: list[dict[str, Any]], key: str) -> str:
    return next((tag["value"] for tag in tags if tag["key"] == key), "")


def test_one_request_is_one_trace_from_ingress_to_redis(
    traced: Release, api: client.ApiClient, caller: tuple[str, str]
) -> None:
    """Ingress, service and Redis are found by the caller's trace id, each below the one that called it."""
    trace, caller_span = caller
    spans = wait_until(
        lambda: _spans(api, trace),
        lambda seen: {"ingress", "users-api"} <= {span.service for span in seen},
        ARRIVAL_SECONDS,
        f"spans of both in trace {trace} of {traced}",
    )
    by_id = {span.id: span for span in spans}
    ingress = [span for span in spans if span.service == "ingress"]
    (request,) = [span for span in spans if span.name == "GET /api/users/{user_id}"]
    redis = [span for span in spans if span.service == "users-api" and span is not request]
    assert [span.parent for span in ingress if span.parent not in by_id] == [caller_span]
    assert by_id[request.parent] in ingress
    assert redis
    assert {span.parent for span in redis} == {request.id}


@pytest.mark.usefixtures("traced")
def test_each_pod_of_the_ingress_traces(api: client.ApiClient, http: httpx.Client) -> None:
    """Of enough connections each pod of the Ingress gets one, and each has spans of what came to it."""
    if controller() is INGRESS_NGINX:
        pytest.skip("ingress-nginx says of no span which of its pods made it")
    path = f"/api/v1/namespaces/{controllers.NAMESPACE}/pods"
    found = get(api, path, {"labelSelector": f"app.kubernetes.io/name={controller().app}"})["items"]
    running = {pod.name for pod in map(read_pod, found) if pod.serving}
    assert running
    trace = secrets.token_hex(16)

    def tracing() -> set[str]:
        for _ in range(5):
            http.get(
                "/api/users/1", headers={"traceparent": f"00-{trace}-{secrets.token_hex(8)}-01"}
            ).raise_for_status()
        return {span.pod for span in _spans(api, trace) if span.service == "ingress"}

    wait_until(tracing, lambda seen: running <= seen, ARRIVAL_SECONDS, f"spans of {running} in trace {trace}")


@pytest.mark.usefixtures("traced")
def test_the_log_names_the_trace(caller: tuple[str, str]) -> None:
    """The replica's line about the request has the caller's trace id."""
    trace, _ = caller

    def lines() -> list[dict[str, Any]]:
        text = kubectl("logs", "--selector=app.kubernetes.io/component=api", "--tail=200")
        return [json.loads(line) for line in text.splitlines() if trace in line]

    found = wait_until(lines, bool, 20, f"a log line with {trace}")
    assert {line["trace_id"] for line in found} == {trace}
    assert any(line["message"].startswith("GET /api/users/") for line in found)


@pytest.mark.usefixtures("traced")
def test_an_exemplar_leads_from_the_latency_to_a_trace(api: client.ApiClient, caller: tuple[str, str]) -> None:
    """Prometheus has the request's trace id beside the bucket that it fell into, and the trace can be looked up."""
    trace, _ = caller
    started = time.time()

    def exemplars() -> set[str]:
        answer = get_json(
            api,
            PROMETHEUS,
            "/api/v1/query_exemplars",
            query=f'http_request_duration_seconds_bucket{{namespace="{NAMESPACE}"}}',
            start=f"{started - 60:.0f}",
            end=f"{time.time() + 60:.0f}",
        )
        return {exemplar["labels"]["trace_id"] for series in answer["data"] for exemplar in series["exemplars"]}

    wait_until(exemplars, lambda seen: trace in seen, ARRIVAL_SECONDS, f"an exemplar of trace {trace}")
    assert wait_until(lambda: _spans(api, trace), bool, ARRIVAL_SECONDS, f"the spans of {trace}")
