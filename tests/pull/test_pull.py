"""`make up`'s way in pull mode, as a user goes it: without root, Go, or anything of the makers' own hosts.

The tests are in the order of what the user does.
"""

import json
import subprocess
import urllib.error
import urllib.request
from typing import Any

import pytest

from k8s.client.waiting import wait_until
from k8s.cluster import docker, published
from k8s.cluster.descriptor import ADD_ONS
from k8s.cluster.kind import NAME
from tests.pull import published_images
from tests.pull.conftest import LOGS, Served
from tests.pull.stranger import Stranger

pytestmark = [pytest.mark.pull, pytest.mark.timeout(2400)]

URL = "http://localhost:8080"
SETTLED_SECONDS = 120
OPEN = "prometheus.monitoring.svc/9090"
SHUT = "users-api-redis.users-api.svc/6379"
METRICS = ("external", "resource", "containerResource")
CHARTS = ("keda", "cert-manager", "grafana")


def _get(path: str, token: str = "") -> tuple[int, Any]:
    request = urllib.request.Request(URL + path, headers={"authorization": f"Bearer {token}"} if token else {})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, None
    except OSError:
        return 0, None


def _read(user: Stranger, *arguments: str) -> Any:  # noqa: ANN401 - as the API has it
    return json.loads(user.kubectl("get", "--output=json", *arguments))


def test_nothing_of_it_is_in_the_engine(served: Served) -> None:
    """What is pulled later has to be pulled."""
    names = (published.NODE.partition("@")[0], *published_images.as_they_are(), *published_images.rearranged())
    assert [name for name in names if docker.is_there(served.mirror.image(name))] == []


def test_the_cluster_comes_up(user: Stranger) -> None:
    """`make kind-up` ends well, says which mode it took and why, and compiles nothing."""
    said = user.run("make", "kind-up", log=LOGS / "kind-up.log")
    assert "pulling published images: as MODE=pull says" in said
    assert "Ingresses are served by Traefik" in said
    assert "compiling" not in said


def test_the_image_is_built_and_the_release_comes_up(user: Stranger) -> None:
    """`make image install` ends well, and every Deployment of the release is available."""
    user.run("make", "image", "install", log=LOGS / "install.log")
    for deployment in _read(user, "deployments", "--namespace", "users-api")["items"]:
        status = deployment["status"]
        assert status.get("availableReplicas") == status["replicas"], deployment["metadata"]["name"]


def test_the_charts_are_their_releases(user: Stranger) -> None:
    """Helm has a release of each published chart, with the names of KEDA's chart in the cluster."""
    helm = user.cache / "tools" / "helm"
    listed = user.run(str(helm), "--kube-context", f"kind-{NAME}", "list", "--all-namespaces", "--output=json")
    versions = {add_on.name: f"{add_on.name}-{add_on.chart.version}" for add_on in ADD_ONS if add_on.chart}
    found = {release["name"]: release["chart"] for release in json.loads(listed)}
    assert {name: found.get(name) for name in CHARTS} == {name: versions[name] for name in CHARTS}
    names = [one["metadata"]["name"] for one in _read(user, "deployments", "--namespace", "keda")["items"]]
    assert sorted(names) == ["keda-admission-webhooks", "keda-operator", "keda-operator-metrics-apiserver"]


def test_requests_are_answered_through_the_ingress(user: Stranger) -> None:  # noqa: ARG001 - whose cluster it is
    """A user is read with the token, and nothing without."""
    wait_until(lambda: _get("/api/users/7", "test-token")[0], lambda status: status == 200, SETTLED_SECONDS, "a user")
    status, found = _get("/api/users/7", "test-token")
    assert (status, found["id"]) == (200, 7)
    assert _get("/api/users/7")[0] == 401


def test_the_autoscaler_gets_its_metrics(user: Stranger) -> None:
    """The ScaledObject is ready, and its autoscaler has a value of the request rate and of CPU."""
    objects = _read(user, "scaledobjects", "--namespace", "users-api")["items"]
    conditions = {one["type"]: one["status"] for one in objects[0]["status"]["conditions"]}
    assert conditions["Ready"] == "True"

    def metrics() -> list[bool]:
        autoscaler = _read(user, "horizontalpodautoscalers.v2.autoscaling", "--namespace", "users-api")["items"][0]
        current = autoscaler["status"].get("currentMetrics") or ()
        return [bool(one[kind]["current"]) for one in current for kind in METRICS if kind in one]

    wait_until(metrics, lambda seen: seen == [True] * 2, SETTLED_SECONDS, "current metrics")


def test_a_scaled_object_that_is_wrong_is_refused(user: Stranger) -> None:
    """KEDA's webhook is asked: a second ScaledObject of one Deployment is refused in its words."""
    first = _read(user, "scaledobjects", "--namespace", "users-api")["items"][0]
    second = {
        "apiVersion": "keda.sh/v1alpha1",
        "kind": "ScaledObject",
        "metadata": {"name": "second", "namespace": "users-api"},
        "spec": first["spec"],
    }
    file = user.home / "second.json"
    file.write_text(json.dumps(second), encoding="utf-8")
    file.chmod(0o644)
    with pytest.raises(AssertionError, match=r"admission webhook .*vscaledobject"):
        user.kubectl("apply", "--filename", str(file))


def test_network_policies_are_enforced(user: Stranger) -> None:
    """A pod that no policy names reaches Prometheus, which none guards, and not the release's Redis."""
    tries = (f"timeout 5 bash -c '</dev/tcp/{to}' 2>/dev/null && echo open || echo closed" for to in (OPEN, SHUT))
    pod = ("--image=localhost/redis:local", "--image-pull-policy=Never", "--restart=Never", "--namespace=default")
    attached = ("--rm", "--stdin", "--quiet", "--command")
    said = user.kubectl("run", "stranger", *pod, *attached, "--", "bash", "-c", "; ".join(tries))
    assert said.split()[:2] == ["open", "closed"]


def test_docker_and_the_nodes_asked_the_mirror(served: Served, user: Stranger) -> None:  # noqa: ARG001 - who made them
    """The engine asked the registry for each image of ours, the nodes for each that a chart names."""
    engine, nodes = (path.read_text(encoding="utf-8") for path in served.pulled)
    for name in (published.PYTHON, *published.IMAGES.values()):
        path, _, tag = served.mirror.image(name).partition("/")[2].rpartition(":")
        assert f"/v2/{path}/manifests/{tag}" in engine, name
    for name in (*published_images.rearranged(), *published_images.as_they_are()):
        if name.startswith(published_images.ASKED_BY_NODES):
            path, _, tag = name.rpartition(":")
            assert f"/v2/{path}/manifests/{tag}" in nodes, name
    assert [line for line in served.downloaded if not line.startswith("200 ")] == []


def test_make_up_reaches_its_end(user: Stranger) -> None:
    """`make up` on the cluster that is there mends it, ramps the load, and ends well: it has scaled out and back."""
    said = user.run("make", "up", log=LOGS / "up.log")
    assert "the cluster is there: bringing its add-ons up to date" in said
    assert "written: build/up/timeline.csv" in said


def test_nothing_is_left(user: Stranger) -> None:
    """`make kind-down` takes the nodes and the entry in the user's kubeconfig away."""
    user.run("make", "kind-down", log=LOGS / "kind-down.log")
    label = f"label=io.x-k8s.kind.cluster={NAME}"
    left = subprocess.run(
        ("docker", "ps", "--all", "--quiet", "--filter", label), capture_output=True, text=True, check=True
    )
    assert left.stdout == ""
    kubeconfig = user.home / ".kube" / "config"
    assert f"kind-{NAME}" not in kubeconfig.read_text(encoding="utf-8")
