import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from kubernetes import client

from loadtests.errors import LoadTestError
from loadtests.measure import Autoscaler, Event, Pod, Release, ReleaseRecorder
from loadtests.measure.release import quantity

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


HPA = {
    "metadata": {"name": "keda-api"},
    "spec": {"scaleTargetRef": {"kind": "Deployment", "name": "api"}, "minReplicas": 2, "maxReplicas": 8},
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
ANSWERS = {
    "/apis/apps/v1/namespaces/ns/deployments/api": {"spec": {"replicas": 3}, "status": {"readyReplicas": 1}},
    "/apis/autoscaling/v2/namespaces/ns/horizontalpodautoscalers": {"items": [HPA]},
    "/api/v1/namespaces/ns/pods": {"items": [_pod("a", "True"), _pod("b", "False", deletionTimestamp=SINCE)]},
    "/api/v1/namespaces/ns/events": {"items": [EVENT]},
}


class _ApiServer(BaseHTTPRequestHandler):
    """Answers as an API server with one release, `api` in namespace `ns`."""

    def do_GET(self) -> None:
        body = json.dumps(ANSWERS.get(self.path.partition("?")[0], {"items": []})).encode()
        self.send_response(200 if self.path.partition("?")[0] in ANSWERS else 404)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        """Keep quiet."""


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
    with pytest.raises(LoadTestError, match="does not answer"):
        Release(api, "ns", "other").replicas()
    with pytest.raises(LoadTestError, match="`make install` installs the chart"):
        Release(api, "ns", "other").autoscaler()


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


@pytest.mark.parametrize(("text", "number"), [("1500m", 1.5), ("2", 2), ("", None), (None, None)])
def test_quantity(text: str | None, number: float | None) -> None:
    """Kubernetes' thousandths are read."""
    assert quantity(text) == number
