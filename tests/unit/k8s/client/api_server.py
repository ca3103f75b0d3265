"""A stand-in for an API server."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import parse_qs

from kubernetes import client

from tests import http_server
from tests.http_server import Quiet

PREFIX = "app.kubernetes.io/"
SINCE = "2026-11-25T00:00:00Z"
SINCE_S = 1795564800.0


def _pod(name: str, ready: str, **metadata: object) -> dict[str, Any]:
    killed = {"terminated": {"reason": "OOMKilled"}} if ready == "True" else {}
    return {
        "metadata": {"name": name, "creationTimestamp": SINCE, **metadata},
        "spec": {"nodeName": "worker", "containers": [{"image": "api:1"}]},
        "status": {
            "podIP": "10.0.0.1",
            "conditions": [{"type": "Ready", "status": ready, "lastTransitionTime": SINCE}],
            "containerStatuses": [{"restartCount": 1, "lastState": killed}],
        },
    }


def _deployment(name: str, release: str, replicas: int) -> dict[str, Any]:
    """One as the chart labels it: under an alias, or with nameOverride, its name label is `name`."""
    labels = {f"{PREFIX}instance": release, f"{PREFIX}component": "api", f"{PREFIX}name": name}
    return {
        "metadata": {"name": name, "labels": labels},
        "spec": {"replicas": replicas},
        "status": {"readyReplicas": 1},
    }


HPA: dict[str, Any] = {
    "metadata": {"name": "keda-api"},
    "spec": {
        "scaleTargetRef": {"kind": "Deployment", "name": "users"},
        "minReplicas": 2,
        "maxReplicas": 8,
        "metrics": [
            {"type": "External", "external": {"metric": {"name": "rate"}, "target": {"averageValue": "30"}}},
            {"type": "Resource", "resource": {"name": "cpu", "target": {"averageUtilization": 80}}},
        ],
    },
    "status": {
        "lastScaleTime": SINCE,
        "desiredReplicas": 4,
        "currentReplicas": 2,
        "currentMetrics": [
            {"type": "Resource", "resource": {"name": "cpu", "current": {"averageUtilization": 91}}},
            {"type": "External", "external": {"metric": {"name": "rate"}, "current": {"averageValue": "12500m"}}},
        ],
        "conditions": [{"type": "ScalingActive", "status": "True", "reason": "ValidMetricFound"}],
    },
}
EVENT = {
    "metadata": {"creationTimestamp": SINCE},
    "lastTimestamp": SINCE,
    "reason": "Killing",
    "message": "Stopping container api",
    "involvedObject": {"kind": "Pod", "name": "a"},
    "count": 2,
}
STOPPING = _pod("b", "False", deletionTimestamp=SINCE, annotations={"prometheus.io/scrape": "true"})
ANSWERS: dict[str, Any] = {
    "/apis/apps/v1/namespaces/ns/deployments": {"items": [_deployment("users", "api", 3)]},
    "/apis/apps/v1/namespaces/umbrella/deployments": {
        "items": [_deployment("first", "api", 1), _deployment("second", "api", 2), _deployment("third", "other", 3)]
    },
    "/apis/autoscaling/v2/namespaces/umbrella/horizontalpodautoscalers": {"items": []},
    "/apis/autoscaling/v2/namespaces/ns/horizontalpodautoscalers": {"items": [HPA]},
    "/api/v1/namespaces/ns/pods": {"items": [_pod("a", "True"), STOPPING]},
    "/apis/apps/v1/namespaces/quiet/deployments": {"items": [_deployment("users", "api", 1)]},
    "/apis/autoscaling/v2/namespaces/quiet/horizontalpodautoscalers": {
        "items": [{**HPA, "spec": {**HPA["spec"], "minReplicas": 1}, "status": {**HPA["status"], "desiredReplicas": 1}}]
    },
    "/api/v1/namespaces/quiet/pods": {"items": [_pod("a", "True")]},
    "/api/v1/namespaces/ns/events": {"items": [EVENT]},
}


class _ApiServer(Quiet, BaseHTTPRequestHandler):
    """Release `api`, whose Deployment is `users`, one at its minimum, and one that has two Deployments."""

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        asked = parse_qs(query).get("labelSelector", [""])[0]
        found = ANSWERS.get(path, {"items": []})
        if path.endswith("/deployments"):
            found = {"items": [each for each in found["items"] if _has(each["metadata"]["labels"], asked)]}
        if path.endswith("/umbrella/pods"):
            found = {"items": [_pod(asked.rpartition("=")[2], "True")]}
        body = json.dumps(found).encode()
        self.send_response(200 if found["items"] or path in ANSWERS else 404)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _has(labels: dict[str, str], selector: str) -> bool:
    return all(labels.get(name) == value for name, _, value in (each.partition("=") for each in selector.split(",")))


@contextmanager
def serving() -> Iterator[client.ApiClient]:
    """Serve on a free port of this host."""
    with http_server.serving(HTTPServer(("127.0.0.1", 0), _ApiServer)) as url:
        yield client.ApiClient(client.Configuration(host=url))
