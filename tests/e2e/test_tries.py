import json
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from kubernetes import client

from k8s.client.waiting import wait_until
from k8s.ingress.controllers import CONTOUR, INGRESS_NGINX
from tests.e2e.controller import controller
from tests.e2e.helm import CONTEXT, run
from tests.e2e.in_cluster import get_json_from_pod
from tests.e2e.load import BASE_URL
from tests.e2e.release import image_tag

pytestmark = pytest.mark.e2e

NAME, HOST = "tries", "tries.example.com"
ANSWERS, CUTS, REFUSES, KEEPS_SILENT = range(4)
REQUESTS, AT_ONCE = 80, 8
READ_TIMEOUT_SECONDS = 2
# By its ordinal a pod answers, cuts the connection with the request read, listens nowhere, or says nothing. Each tells
# on another port which requests it has read.
SERVER = """
import http.server, json, os, threading, time
ordinal, seen = int(os.environ["HOSTNAME"].rpartition("-")[2]), []

class Pod(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        seen.append(self.path)
        if ordinal == 1:
            self.close_connection = True
            return
        if ordinal == 3:
            time.sleep(60)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_PUT = do_POST = do_PATCH = answer

class Seen(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps(seen).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

if ordinal != 2:
    threading.Thread(target=http.server.ThreadingHTTPServer(("", 8000), Pod).serve_forever).start()
http.server.ThreadingHTTPServer(("", 8001), Seen).serve_forever()
"""


def kubectl(*arguments: str, stdin: str | None = None) -> str:
    """Run kubectl in the namespace of these pods."""
    return run("kubectl", "--context", CONTEXT, "--namespace", NAME, *arguments, stdin=stdin)


def _objects() -> dict[str, Any]:
    labels = {"app": NAME}
    restricted = {"runAsNonRoot": True, "runAsUser": 10001, "seccompProfile": {"type": "RuntimeDefault"}}
    container = {
        "name": NAME,
        "image": f"localhost/users-api:{image_tag()}",
        "imagePullPolicy": "IfNotPresent",
        "command": ["python", "-c", SERVER],
        "readinessProbe": {"httpGet": {"path": "/", "port": 8001}, "periodSeconds": 1},
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    spec = {"terminationGracePeriodSeconds": 0, "securityContext": restricted, "containers": [container]}
    pods = {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {"name": NAME},
        "spec": {
            "serviceName": NAME,
            "podManagementPolicy": "Parallel",
            "replicas": len((ANSWERS, CUTS, REFUSES)),
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": spec},
        },
    }
    ports = [{"name": "http", "port": 80, "targetPort": 8000}]
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": NAME},
        "spec": {"selector": labels, "ports": ports},
    }
    return {"apiVersion": "v1", "kind": "List", "items": [service, pods]}


@pytest.fixture(scope="module")
def pods(api: client.ApiClient) -> Iterator[client.ApiClient]:
    """Have the pods behind an Ingress as the chart makes it."""
    run("kubectl", "--context", CONTEXT, "create", "namespace", NAME)
    try:
        kubectl("apply", "--filename", "-", stdin=json.dumps(_objects()))
        settings = ("ingress.enabled=true", f"routing.hosts={{{HOST}}}", f"fullnameOverride={NAME}")
        more = (*settings, f"routing.readTimeoutSeconds={READ_TIMEOUT_SECONDS}", "routing.attempts=4", "image.tag=any")
        given = [word for setting in more for word in ("--set", setting)]
        made = run(
            "helm", "template", NAME, "chart", "--namespace", NAME, "--show-only", "templates/ingress.yaml", *given
        )
        kubectl("apply", "--filename", "-", stdin=made)
        kubectl("rollout", "status", f"statefulset/{NAME}", "--timeout=60s")
        # ingress-nginx takes some seconds to know of them all.
        for ordinal in (ANSWERS, CUTS):
            _await_request(api, ordinal, f"/api/first-{ordinal}")
        yield api
    finally:
        run("kubectl", "--context", CONTEXT, "delete", "namespace", NAME, "--wait=false")


def _send(method: str, path: str) -> int:
    body = b"x" if method in {"POST", "PATCH", "PUT"} else None
    return httpx.request(method, BASE_URL + path, content=body, headers={"Host": HOST}, timeout=30).status_code


def _seen(api: client.ApiClient, ordinal: int, since: str) -> Counter[str]:
    read = get_json_from_pod(api, f"{NAME}/{NAME}-{ordinal}:8001", "/")
    return Counter(path for path in read if path.startswith(since))


def _await_request(api: client.ApiClient, ordinal: int, path: str) -> None:
    """Ask until the Ingress knows this pod, which then has had a request."""

    def asked() -> bool:
        _send("GET", path)
        return bool(_seen(api, ordinal, path))

    wait_until(asked, bool, 60, f"a request at pod {ordinal}")


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_what_may_be_repeated_is_answered(pods: client.ApiClient, method: str) -> None:
    """With one pod that answers, one that cuts connections and one that refuses them, each try goes to another pod."""
    if method == "PUT" and controller() is INGRESS_NGINX:
        pytest.skip("ingress-nginx passes a body on as it comes, and then has none for another try")
    prefix = f"/api/{method.lower()}-"
    paths = [f"{prefix}{number}" for number in range(REQUESTS)]
    # In turn the pods would be another each time, whoever chooses them; side by side Envoy alone knows who was tried.
    with ThreadPoolExecutor(AT_ONCE if controller() is CONTOUR else 1) as pool:
        assert set(pool.map(lambda path: _send(method, path), paths)) == {httpx.codes.OK}
    assert _seen(pods, ANSWERS, prefix) == Counter(f"{prefix}{number}" for number in range(REQUESTS))
    cut = _seen(pods, CUTS, prefix)
    assert cut
    assert set(cut.values()) == {1}


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_what_may_not_be_repeated_is_read_once(pods: client.ApiClient, method: str) -> None:
    """A pod that refuses the connection costs nothing; once a pod has read the request no other one gets it."""
    prefix = f"/api/{method.lower()}-"
    statuses = {f"{prefix}{number}": _send(method, f"{prefix}{number}") for number in range(REQUESTS)}
    answered = Counter(path for path, status in statuses.items() if status == httpx.codes.OK)
    assert answered
    assert _seen(pods, ANSWERS, prefix) == answered
    assert _seen(pods, CUTS, prefix) == Counter(statuses.keys()) - answered


def test_a_pod_that_says_nothing_is_given_up(pods: client.ApiClient) -> None:
    """A read that a silent pod has is answered by another one after the time limit."""
    kubectl("scale", f"statefulset/{NAME}", "--replicas=4")
    kubectl("rollout", "status", f"statefulset/{NAME}", "--timeout=60s")
    _await_request(pods, KEEPS_SILENT, "/api/known")
    started = time.monotonic()
    statuses = [_send("GET", f"/api/silent-{number}") for number in range(REQUESTS // 8)]
    assert set(statuses) == {httpx.codes.OK}
    silent = _seen(pods, KEEPS_SILENT, "/api/silent-")
    assert silent
    assert time.monotonic() - started >= READ_TIMEOUT_SECONDS
