import json
import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import parse_qs

import pytest
from kubernetes import client

from loadtests.errors import LoadTestError
from loadtests.measure import Autoscaler, Event, Pod, Release, ReleaseRecorder
from loadtests.measure.release import quantity

PREFIX = "app.kubernetes.io/"
SINCE = "2026-11-25T00:00:00Z"
SINCE_S = 1795564800.0


def _pod(name: str, ready: str, **metadata: str) -> dict[str, Any]:
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


HPA = {
    "metadata": {"name": "keda-api"},
    "spec": {"scaleTargetRef": {"kind": "Deployment", "name": "users"}, "minReplicas": 2, "maxReplicas": 8},
    "status": {
        "desiredReplicas": 4,
        "currentReplicas": 2,
        "currentMetrics": [
            {"type": "Resource", "resource": {"name": "cpu", "current": {"averageUtilization": 91}}},
            {"type": "External", "external": {"current": {"averageValue": "12500m"}}},
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
ANSWERS: dict[str, Any] = {
    "/apis/apps/v1/namespaces/ns/deployments": {"items": [_deployment("users", "api", 3)]},
    "/apis/apps/v1/namespaces/umbrella/deployments": {
        "items": [_deployment("first", "api", 1), _deployment("second", "api", 2), _deployment("third", "other", 3)]
    },
    "/apis/autoscaling/v2/namespaces/umbrella/horizontalpodautoscalers": {"items": []},
    "/apis/autoscaling/v2/namespaces/ns/horizontalpodautoscalers": {"items": [HPA]},
    "/api/v1/namespaces/ns/pods": {"items": [_pod("a", "True"), _pod("b", "False", deletionTimestamp=SINCE)]},
    "/api/v1/namespaces/ns/events": {"items": [EVENT]},
}


class _ApiServer(BaseHTTPRequestHandler):
    """A stand-in for an API server: release `api`, whose Deployment is `users`, and one that has two Deployments."""

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

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        """Keep quiet."""


def _has(labels: dict[str, str], selector: str) -> bool:
    return all(labels.get(name) == value for name, _, value in (each.partition("=") for each in selector.split(",")))


@pytest.fixture
def api() -> Iterator[client.ApiClient]:
    """Serve on a free port of this host."""
    with HTTPServer(("127.0.0.1", 0), _ApiServer) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield client.ApiClient(client.Configuration(host=f"http://127.0.0.1:{server.server_port}"))
        server.shutdown()
        thread.join()


def test_a_release_is_read_as_the_cluster_shows_it(api: client.ApiClient) -> None:
    """Replicas, pods, the autoscaler's numbers and the events come out of the API server's answers."""
    release = Release(api, "ns", "api")
    assert (release.wanted(), release.ready()) == (3, 1)
    assert release.api_pods() == [
        Pod("a", "worker", True, 1, False, SINCE_S, SINCE_S, "10.0.0.1", "api:1", "OOMKilled"),  # noqa: FBT003 - in the fields' order
        Pod("b", "worker", False, 1, True, SINCE_S, None, "10.0.0.1", "api:1", ""),  # noqa: FBT003 - likewise
    ]
    conditions = {"ScalingActive": ("True", "ValidMetricFound")}
    assert release.autoscaler() == Autoscaler("keda-api", 2, 8, 4, 2, 91, 12.5, conditions)
    assert release.events() == [Event(SINCE_S, "Killing", "Pod/a", "Stopping container api", 2)]
    assert release.events(since_s=SINCE_S + 1) == []


def test_a_release_that_is_not_there_is_an_error(api: client.ApiClient) -> None:
    """Without a Deployment or an autoscaler the error says so, and what to do."""
    for question in (Release.replicas, Release.autoscaler):
        with pytest.raises(LoadTestError, match=r"no release other in namespace ns: .*`make install` installs it"):
            question(Release(api, "ns", "other"))
    with pytest.raises(LoadTestError, match="no HorizontalPodAutoscaler in namespace umbrella scales Deployment third"):
        Release(api, "umbrella", "other").autoscaler()


def test_a_namespace_that_does_not_answer_is_an_error(api: client.ApiClient) -> None:
    """What the API server refuses is told with its status."""
    with pytest.raises(LoadTestError, match="the cluster does not answer: 404"):
        Release(api, "nowhere", "api").events()


def test_the_deployment_is_found_by_its_labels(api: client.ApiClient) -> None:
    """However the chart has named it, replicas and series are those of the release's own Deployment."""
    release = Release(api, "ns", "api")
    assert release.deployment == "users"
    assert release.series == 'namespace="ns",pod=~"users-[a-z0-9]+-[a-z0-9]{5}"'
    assert Release(api, "umbrella", "other").wanted() == 3


def test_of_several_deployments_one_must_be_named(api: client.ApiClient) -> None:
    """An umbrella with the chart twice has two in one release: the error lists them, and a name chooses all of one."""
    with pytest.raises(LoadTestError, match="more than one Deployment of the API: first, second"):
        Release(api, "umbrella", "api").wanted()
    second = Release(api, "umbrella", "api", "second")
    assert second.wanted() == 2
    assert [pod.name for pod in second.api_pods()] == ["second"]
    assert second.series.startswith('namespace="umbrella",pod=~"second-')
    with pytest.raises(LoadTestError, match="has no Deployment third of the API, but first, second"):
        Release(api, "umbrella", "api", "third").wanted()


def test_a_recorder_looks_again_and_again(api: client.ApiClient) -> None:
    """It has a moment for each period, and one that knows nothing where the cluster does not answer."""
    recorder, silent = ReleaseRecorder(Release(api, "ns", "api")), ReleaseRecorder(Release(api, "ns", "other"))
    with recorder.recording(period_seconds=0.02), silent.recording(period_seconds=0.02):
        while len(recorder.moments) < 3 or not silent.moments:
            time.sleep(0.01)
    seen = recorder.moments[-1]
    assert (seen.wanted, seen.ready, len(seen.pods)) == (3, 1, 2)
    assert seen.autoscaler is not None
    assert seen.autoscaler.desired == 4
    assert (silent.moments[0].wanted, silent.moments[0].pods) == (None, ())


@pytest.mark.parametrize(("text", "number"), [("1500m", 1.5), ("1k", 1000.0), ("2", 2), ("", None), (None, None)])
def test_quantity(text: str | None, number: float | None) -> None:
    """Kubernetes' thousandths are read."""
    assert quantity(text) == number


def test_a_cluster_that_is_not_there_is_named_with_what_to_do() -> None:
    """A kubeconfig that outlived its cluster gets the reason without urllib3's words, and the two ways out."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        nobody = client.ApiClient(client.Configuration(host=f"http://127.0.0.1:{closed.getsockname()[1]}"))
        with pytest.raises(LoadTestError, match=r"does not answer \(.*refused\): `make kind-up` .*CONTEXT="):
            Release(nobody, "ns", "api").replicas()
