"""A double of the metrics pipeline: the two aggregated APIs that an autoscaler asks, answered by the model.

Where a cluster has metrics-server, and Prometheus behind an adapter, here is what they would say of pods that get the
simulated traffic, with their windows and scrapes. The API server reaches it as it reaches those: by an APIService.
"""

import datetime as dt
import json
import threading
import time
from base64 import b64encode
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs

import uvicorn

from k8s.simulation import METRICS_SERVICE, Api, ControlPlane
from loadtests.errors import LoadTestError
from loadtests.simulate.fleet import LABEL, App, Fleet
from loadtests.simulate.pod_model import PodModel
from service.dev import free_port

CUSTOM, RESOURCE = "custom.metrics.k8s.io", "metrics.k8s.io"
VERSIONS = {CUSTOM: "v1beta2", RESOURCE: "v1beta1"}
# metrics-server's default: it looks every 15 s, and CPU is what was used between two looks.
CPU_SECONDS = 15
READY_SECONDS = 60

Scope = dict[str, Any]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class MetricsApi:
    """An ASGI application that answers discovery, pods' request rates and pods' CPU."""

    def __init__(self, fleet: Fleet, model: PodModel, metric: str) -> None:
        self._fleet = fleet
        self._model = model
        self._metric = metric

    async def __call__(self, scope: Scope, _: object, send: Send) -> None:
        """Answer one request."""
        found = self._answer(scope["path"].strip("/").split("/"), parse_qs(scope["query_string"].decode()))
        body = json.dumps(found if found is not None else {"kind": "Status", "status": "Failure", "code": 404}).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 404 if found is None else 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def _answer(self, path: list[str], query: dict[str, list[str]]) -> dict[str, Any] | None:
        match path:
            case ["apis", group, version] if VERSIONS.get(group) == version:
                return {
                    "kind": "APIResourceList",
                    "apiVersion": "v1",
                    "groupVersion": f"{group}/{version}",
                    "resources": [],
                }
            case ["apis", group, _, "namespaces", namespace, "pods", *asked] if app := self._app(query):
                with self._fleet.lock:
                    if group == RESOURCE:
                        return self._cpu(app, namespace)
                    return self._rates(app, namespace) if asked == ["*", self._metric] else None
            case _:
                return None

    def _app(self, query: dict[str, list[str]]) -> App | None:
        for term in query.get("labelSelector", [""])[0].split(","):
            label, _, value = term.partition("=")
            if label == LABEL:
                return self._fleet.apps.get(value)
        return None

    def _rates(self, app: App, namespace: str) -> dict[str, Any]:
        now = self._fleet.clock.now()
        app.asked.append(now)
        rates = app.pod_rates(now, app.setting.window_seconds, app.setting.scrape_seconds)
        return {
            "kind": "MetricValueList",
            "apiVersion": f"{CUSTOM}/{VERSIONS[CUSTOM]}",
            "metadata": {},
            "items": [
                {
                    "describedObject": {"kind": "Pod", "apiVersion": "/v1", "namespace": namespace, "name": pod},
                    "metric": {"name": self._metric},
                    "timestamp": _timestamp(),
                    "value": f"{round(rate * 1000)}m",
                }
                for pod, rate in rates.items()
            ],
        }

    def _cpu(self, app: App, namespace: str) -> dict[str, Any]:
        rates = app.pod_rates(self._fleet.clock.now(), 2 * CPU_SECONDS, CPU_SECONDS)
        return {
            "kind": "PodMetricsList",
            "apiVersion": f"{RESOURCE}/{VERSIONS[RESOURCE]}",
            "metadata": {},
            "items": [
                {
                    "metadata": {"name": pod, "namespace": namespace},
                    "timestamp": _timestamp(),
                    "window": f"{CPU_SECONDS / self._fleet.clock.speed}s",
                    "containers": [
                        {
                            "name": "api",
                            "usage": {"cpu": f"{round(self._model.millicores(rate) * 1e6)}n", "memory": "64Mi"},
                        }
                    ],
                }
                for pod, rate in rates.items()
            ],
        }


@contextmanager
def serve(application: MetricsApi, plane: ControlPlane) -> Iterator[None]:
    """Serve the double and register it with the API server, until the block ends.

    Raises:
        LoadTestError: the API server did not find it within a minute.
    """
    port = free_port()
    config = uvicorn.Config(
        application,
        port=port,
        ssl_certfile=str(plane.tls.certificate),
        ssl_keyfile=str(plane.tls.key),
        lifespan="off",
        access_log=False,
        log_level="error",
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        _register(plane, port)
        yield
    finally:
        server.should_exit = True
        thread.join(5)


def _register(plane: ControlPlane, port: int) -> None:
    plane.api.create(
        "/api/v1/namespaces/default/services",
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": METRICS_SERVICE},
            # The API server calls the host of this name, with no cluster network in between.
            "spec": {"type": "ExternalName", "externalName": "localhost"},
        },
    )
    authority = b64encode(plane.tls.certificate.read_bytes()).decode()
    for group, version in VERSIONS.items():
        service = {"namespace": "default", "name": METRICS_SERVICE, "port": port}
        spec = {"group": group, "version": version, "groupPriorityMinimum": 100, "versionPriority": 100}
        plane.api.create(
            "/apis/apiregistration.k8s.io/v1/apiservices",
            {
                "apiVersion": "apiregistration.k8s.io/v1",
                "kind": "APIService",
                "metadata": {"name": f"{version}.{group}"},
                "spec": {**spec, "service": service, "caBundle": authority},
            },
        )
    _await_available(plane.api)


def _await_available(api: Api) -> None:
    deadline = time.monotonic() + READY_SECONDS
    waiting = [f"{version}.{group}" for group, version in VERSIONS.items()]
    while waiting:
        status = api.get(f"/apis/apiregistration.k8s.io/v1/apiservices/{waiting[0]}").get("status", {})
        conditions = status.get("conditions", [])
        if any(one["type"] == "Available" and one["status"] == "True" for one in conditions):
            waiting.pop(0)
        elif time.monotonic() > deadline:
            raise LoadTestError(f"the API server does not reach the metrics double: {conditions}")
        else:
            time.sleep(0.2)


def _timestamp() -> str:
    return dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
