"""A stand-in for a cluster with one release, whose Deployment, nodes and autoscaler do at once what they are told."""

import itertools
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from kubernetes import client

from k8s.client.release import Release
from tests import http_server
from tests.http_server import Quiet

NAME = "shop"
LABELS = {
    f"app.kubernetes.io/{key}": value for key, value in (("instance", NAME), ("component", "api"), ("name", NAME))
}
REPLICA_SET = {"kind": "ReplicaSet", "name": NAME}
_APPS, _SCALERS = f"/apis/apps/v1/namespaces/{NAME}", f"/apis/autoscaling/v2/namespaces/{NAME}"
_PODS = f"/api/v1/namespaces/{NAME}/pods"


def _merged(base: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """Merge as a JSON merge patch does."""
    found = dict(base)
    for key, value in change.items():
        if value is None:
            found.pop(key, None)
        else:
            found[key] = _merged(found.get(key) or {}, value) if isinstance(value, dict) else value
    return found


class Cluster:
    """What is there, and what was done to it."""

    def __init__(self, replicas: int = 2, *, scaled: tuple[int, int] | None = None) -> None:
        """Take how many replicas there are, and the bounds of the autoscaler if there is one."""
        self._numbers = itertools.count(1)
        self.told: list[tuple[str, str]] = []
        """Methods and paths of all that changed something."""
        self.refused_evictions = 0
        """How often the next evictions are refused, as by a disruption budget."""
        self.nodes = {name: self._node(name) for name in ("a", "b", "control")}
        self.nodes["control"]["metadata"]["labels"] = {"node-role.kubernetes.io/control-plane": ""}
        self.deployment: dict[str, Any] = {
            "metadata": {"name": NAME, "labels": LABELS, "generation": 1},
            "spec": {"replicas": replicas},
        }
        self.pods: list[dict[str, Any]] = []
        self.scalers = [_scaler(*scaled)] if scaled else []
        self.fill()

    def release(self, url: str) -> Release:
        """Give what tools look through."""
        return Release(client.ApiClient(client.Configuration(host=url)), NAME, NAME)

    def fill(self) -> None:
        """Have as many pods as are wanted, within the autoscaler's bounds, each on the emptiest node that takes it."""
        for scaler in self.scalers:
            low, high = scaler["spec"]["minReplicas"], scaler["spec"]["maxReplicas"]
            self.deployment["spec"]["replicas"] = min(max(self.deployment["spec"]["replicas"], low), high)
        mine = [pod for pod in self.pods if pod["metadata"].get("labels") == LABELS]
        wanted = self.deployment["spec"]["replicas"]
        for pod in mine[wanted:]:
            self.pods.remove(pod)
        for _ in range(wanted - len(mine)):
            self.add(f"{NAME}-{next(self._numbers)}", labels=LABELS)

    def add(self, name: str, node: str = "", *, owners: tuple[Any, ...] = (REPLICA_SET,), **metadata: Any) -> None:  # noqa: ANN401 - JSON
        """Have one pod more."""
        takers = [each for each in ("a", "b") if not self.nodes[each]["spec"].get("unschedulable")]
        emptiest = min(takers, key=lambda each: sum(pod["spec"]["nodeName"] == each for pod in self.pods))
        now = datetime.now(UTC).isoformat()
        named = {"name": name, "namespace": NAME, "uid": name, "creationTimestamp": now, "ownerReferences": owners}
        self.pods.append(
            {
                "metadata": {**named, **metadata},
                "spec": {"nodeName": node or emptiest, "containers": [{"image": "shop:1"}]},
                "status": {
                    "phase": "Running",
                    "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": now}],
                },
            }
        )

    def answer(self, method: str, path: str, query: Mapping[str, list[str]], body: Any) -> tuple[int, Any]:  # noqa: ANN401 - JSON
        """Do what is asked for; gives status and answer."""
        if method != "GET":
            self.told.append((method, path))
        kind, _, name = path.rpartition("/")
        match method, kind:
            case "GET", _:
                return self._found(path, query)
            case "PATCH", "/api/v1/nodes":
                self.nodes[name] = _merged(self.nodes[name], body)
            case "PATCH", _ if kind.startswith(_APPS):
                self.deployment["metadata"]["generation"] += 1
                self._remove(lambda pod: pod["metadata"].get("labels") == LABELS)
            case "PATCH", _:
                self.scalers[0] = _merged(self.scalers[0], body)
                self.fill()
            case "POST", _ if self.refused_evictions:
                self.refused_evictions -= 1
                return 429, {"message": "it would violate the pod's disruption budget"}
            case "POST", _:
                self._remove(lambda pod: pod["metadata"]["name"] == body["metadata"]["name"])
                return 201, {}
            case _:
                self._remove(lambda pod: pod["metadata"]["name"] == name)
        return 200, {}

    def _remove(self, which: Callable[[Any], bool]) -> None:
        self.pods = [pod for pod in self.pods if not which(pod)]
        self.fill()

    def _found(self, path: str, query: Mapping[str, list[str]]) -> tuple[int, Any]:
        replicas = self.deployment["spec"]["replicas"]
        counts = dict.fromkeys(("replicas", "readyReplicas", "updatedReplicas", "availableReplicas"), replicas)
        status = {**counts, "observedGeneration": self.deployment["metadata"]["generation"]}
        node = query.get("fieldSelector", [""])[0].removeprefix("spec.nodeName=")
        lists: dict[str, list[Any]] = {
            f"{_APPS}/deployments": [{**self.deployment, "status": status}],
            f"{_SCALERS}/horizontalpodautoscalers": self.scalers,
            _PODS: self.pods,
            "/api/v1/pods": [pod for pod in self.pods if node in {"", pod["spec"]["nodeName"]}],
            "/api/v1/nodes": list(self.nodes.values()),
        }
        if path in lists:
            labels = dict(each.split("=") for each in query.get("labelSelector", [""])[0].split(",") if each)
            found = [each for each in lists[path] if labels.items() <= each["metadata"].get("labels", {}).items()]
            return 200, {"items": found}
        kind, _, name = path.rpartition("/")
        one = next((each for each in lists.get(kind, ()) if each["metadata"]["name"] == name), None)
        return (200, one) if one else (404, {"message": "not found"})

    @staticmethod
    def _node(name: str) -> dict[str, Any]:
        ready = {"type": "Ready", "status": "True"}
        return {"metadata": {"name": name}, "spec": {}, "status": {"conditions": [ready]}}


def _scaler(minimum: int, maximum: int) -> dict[str, Any]:
    target = {"kind": "Deployment", "name": NAME}
    return {
        "metadata": {"name": NAME, "managedFields": []},
        "spec": {"scaleTargetRef": target, "minReplicas": minimum, "maxReplicas": maximum},
    }


@contextmanager
def serving(cluster: Cluster) -> Iterator[Release]:
    """Serve it on a free port of this host; gives its release."""

    class Handler(Quiet, BaseHTTPRequestHandler):
        def _do(self) -> None:
            url = urlsplit(self.path)
            length = int(self.headers.get("content-length", 0))
            body = json.loads(self.rfile.read(length)) if length else None
            status, answer = cluster.answer(self.command, url.path, parse_qs(url.query), body)
            text = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_PATCH = do_POST = do_DELETE = _do  # noqa: N815 - http.server's names

    with http_server.serving(HTTPServer(("127.0.0.1", 0), Handler)) as url:
        yield cluster.release(url)
