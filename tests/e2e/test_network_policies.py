import json
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

import httpx
import pytest
from kubernetes import client

from k8s.client.prometheus import Prometheus
from k8s.client.waiting import wait_until
from tests.e2e.helm import CONTEXT, run
from tests.e2e.load import BASE_URL, HEADERS
from tests.e2e.own_release import SMALL, OwnRelease, own_release

# Enforced on all releases there are.
pytestmark = [pytest.mark.e2e, pytest.mark.alone]

HOST = "enforced.example.com"
FOLDER = "k8s/policies"
TABLE = "kube-network-policies"
API, REDIS = 8000, 6379
VALUES: dict[str, Any] = {**SMALL, "ingress": {"enabled": True}, "routing": {"hosts": [HOST]}}
# Pod Security `restricted` admits it.
POD: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "stranger"},
    "spec": {
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": 0,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 10001,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [
            {
                "name": "stranger",
                "image": "localhost/users-api:dev",
                "imagePullPolicy": "IfNotPresent",
                "command": ["python", "-c", "import time; time.sleep(3600)"],
                "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
            }
        ],
    },
}
CONNECT = """
import socket, sys
try:
    socket.create_connection((sys.argv[1], int(sys.argv[2])), 3).close()
    print("open")
except OSError:
    print("closed")
"""
GET_OUT = CONNECT.replace("sys.argv[1], int(sys.argv[2])", "'kubernetes.default.svc', 443")
READY = """
import urllib.request
print(urllib.request.urlopen("http://127.0.0.1:8000/readyz?verbose", timeout=5).read().decode())
"""


def kubectl(*arguments: str) -> str:
    """Run kubectl on the cluster."""
    return run("kubectl", "--context", CONTEXT, *arguments)


def enforces_by_itself() -> bool:
    """Whether the cluster's own network enforces policies: kind's does, that of nodes built here does not."""
    return bool(
        kubectl("--namespace", "kube-system", "get", "daemonset", "kindnet", "--ignore-not-found", "-o", "name")
    )


def nodes() -> list[str]:
    """The names of the node containers."""
    return kubectl("get", "nodes", "--output=jsonpath={.items[*].metadata.name}").split()


def has_rules(node: str) -> bool:
    """Whether the rules that queue packets are set on a node."""
    return TABLE in run("docker", "exec", node, "nft", "list", "tables")


@pytest.fixture(scope="module")
def release(api: client.ApiClient) -> Iterator[OwnRelease]:
    """A release with the chart's NetworkPolicies, the Ingress' and Prometheus' namespaces named in them."""
    with own_release(api, "enforced", VALUES) as release:
        yield release


@pytest.fixture(scope="module")
def stranger(api: client.ApiClient) -> Iterator[OwnRelease]:
    """Another namespace, with a pod that no policy names."""
    stranger = OwnRelease(api, "strangers")
    try:
        stranger.kubectl("apply", "--filename", "-", stdin=json.dumps(POD))
        stranger.kubectl("wait", "pod/stranger", "--for=condition=Ready", "--timeout=60s")
        yield stranger
    finally:
        stranger.remove()


def reached(stranger: OwnRelease, release: OwnRelease) -> set[int]:
    """To which ports of the release's pods the stranger gets a connection."""
    pods = release.core.list_namespaced_pod(release.namespace, label_selector="app.kubernetes.io/component!=test").items
    ports = {"api": API, "redis": REDIS}
    targets = {(pod.status.pod_ip, ports[pod.metadata.labels["app.kubernetes.io/component"]]) for pod in pods}
    call = ("exec", "stranger", "--", "python", "-c", CONNECT)
    return {port for ip, port in targets if stranger.kubectl(*call, ip, str(port)).strip() == "open"}


def in_api_pod(release: OwnRelease, script: str) -> str:
    """Run Python in one of the API's pods. The API server's proxy comes from no pod, and is not let in."""
    return release.kubectl("exec", f"deployment/{release.name}", "--container=api", "--", "python", "-c", script)


@pytest.fixture(scope="module")
def enforced(release: OwnRelease, stranger: OwnRelease) -> Iterator[OwnRelease]:
    """The release with its policies enforced, and pods that have not one connection from before."""
    install = not enforces_by_itself()
    try:
        if install:
            assert reached(stranger, release) == {API, REDIS}, "something enforces policies already"
            kubectl("apply", "--server-side", "--kustomize", FOLDER)
            kubectl("--namespace", "kube-system", "rollout", "status", "daemonset/network-policies", "--timeout=120s")
            wait_until(lambda: all(map(has_rules, nodes())), bool, 30, "rules on each node")
        release.kubectl("rollout", "restart", f"deployment/{release.name}", f"statefulset/{release.name}-redis")
        release.wait_for_rollout()
        release.wait_for_replicas(1, seconds=60)
        yield release
    finally:
        if install:
            take_away()


def take_away() -> None:
    """Stop enforcing, also where rules have stayed behind: they would drop every new connection of selected pods."""
    kubectl("delete", "--ignore-not-found", "--wait", "--kustomize", FOLDER)
    pods = ("--namespace", "kube-system", "wait", "pod", "--selector=app.kubernetes.io/name=network-policies")
    kubectl(*pods, "--for=delete", "--timeout=60s")
    for node in filter(has_rules, nodes()):
        run("docker", "exec", node, "nft", "delete", "table", "inet", TABLE)


def test_a_stranger_reaches_neither_the_service_nor_its_redis(enforced: OwnRelease, stranger: OwnRelease) -> None:
    """A pod of another namespace, which reached both before, gets no connection to the API's port or to Redis'."""
    wait_until(lambda: reached(stranger, enforced), lambda ports: not ports, 30, "no port within reach")


def test_the_ingress_is_let_in(enforced: OwnRelease) -> None:
    """A user is read through the Ingress, which is in a namespace that the policy names."""
    del enforced
    url, headers = f"{BASE_URL}/api/users/7", {**HEADERS, "host": HOST}
    wait_until(
        lambda: httpx.get(url, headers=headers, timeout=10).status_code,
        lambda status: status == HTTPStatus.OK,
        30,
        "an answer through the Ingress",
    )


def test_the_service_finds_its_redis_by_name(enforced: OwnRelease) -> None:
    """The service resolves the name of its Redis and reaches it: it is let out to both, and let in there."""

    def available() -> bool:
        found: bool = json.loads(in_api_pod(enforced, READY))["checks"]["redis"]["available"]
        return found

    address = in_api_pod(enforced, f"import socket; print(socket.gethostbyname('{enforced.name}-redis'))").strip()
    assert address in {pod.address for pod in enforced.redis_pods()}
    wait_until(available, bool, 30, "Redis within reach")


def test_the_service_gets_out_to_nothing_else(enforced: OwnRelease) -> None:
    """A pod of the service gets no connection to the API server, which no policy lets it out to."""
    assert in_api_pod(enforced, GET_OUT).strip() == "closed"


def test_prometheus_is_let_in(enforced: OwnRelease, prometheus: Prometheus) -> None:
    """Prometheus scrapes the pod that began when the policies were enforced."""
    (pod,) = [pod for pod in enforced.api_pods() if not pod.stopping]
    up = f'up{{namespace="{enforced.namespace}", pod="{pod.name}"}}'
    wait_until(lambda: prometheus.value(up), lambda value: value == 1, 60, f"a value of {up}")


def test_the_chart_s_tests_are_let_in(enforced: OwnRelease) -> None:
    """A pod of `helm test` reaches the service by the policy of its own."""
    enforced.helm("test", enforced.name, "--filter", f"name={enforced.name}-test-redis", "--timeout", "2m")


def test_without_the_add_on_nothing_is_held_back(enforced: OwnRelease, stranger: OwnRelease) -> None:
    """Once it is deleted no node has a rule of it left, by its own doing; the stranger gets in, and the service out."""
    if enforces_by_itself():
        pytest.skip("kind's own network enforces policies, and cannot be taken away")
    kubectl("delete", "--kustomize", FOLDER)
    wait_until(lambda: any(map(has_rules, nodes())), lambda left: not left, 60, "no rules on any node")
    assert reached(stranger, enforced) == {API, REDIS}
    assert in_api_pod(enforced, GET_OUT).strip() == "open"
