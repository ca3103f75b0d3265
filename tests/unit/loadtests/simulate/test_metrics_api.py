import json
from typing import Any

import anyio
import pytest

from loadtests.simulate.clock import Clock
from loadtests.simulate.fleet import App, Fleet, Pod
from loadtests.simulate.metrics_api import MetricsApi
from loadtests.simulate.pod_model import PodModel, Served
from loadtests.simulate.settings import settings

METRIC = "http_requests_per_second"
SELECTOR = b"labelSelector=app.kubernetes.io%2Finstance%3Dshop"
PODS = "/namespaces/default/pods"


class _At(Clock):
    """Stands at two minutes."""

    def now(self) -> float:
        return 120


@pytest.fixture
def application() -> MetricsApi:
    """Answer for one Deployment whose two pods get 100 req/s."""
    rates = [100.0] * 600
    app = App("shop", settings({})[0], rates, Served(rates, 1000))
    app.pods.update({name: Pod(0, 0, ready_s=0) for name in ("a", "b")})
    app.ready = 2
    return MetricsApi(Fleet(_At(15), [app]), PodModel(capacity_rps=100, request_millicores=250), METRIC)


def _get(application: MetricsApi, path: str, query: bytes = b"") -> tuple[int, Any]:
    sent: list[dict[str, Any]] = []

    async def ask() -> None:
        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        await application({"path": path, "query_string": query}, None, send)

    anyio.run(ask)
    return sent[0]["status"], json.loads(sent[1]["body"])


@pytest.mark.parametrize("group", ["custom.metrics.k8s.io/v1beta2", "metrics.k8s.io/v1beta1"])
def test_discovery_names_the_version(application: MetricsApi, group: str) -> None:
    """The API server takes an APIService to be available when this answers."""
    status, body = _get(application, f"/apis/{group}")
    assert (status, body["kind"], body["groupVersion"]) == (200, "APIResourceList", group)


def test_request_rates_are_of_each_pod(application: MetricsApi) -> None:
    """A value for each pod, in thousandths, as a Pods metric has them."""
    _, body = _get(application, f"/apis/custom.metrics.k8s.io/v1beta2{PODS}/*/{METRIC}", SELECTOR)
    assert {item["describedObject"]["name"]: item["value"] for item in body["items"]} == {"a": "50000m", "b": "50000m"}


def test_cpu_is_what_the_rate_costs(application: MetricsApi) -> None:
    """Half of a pod's capacity uses half of its request, over a window in compressed time."""
    _, body = _get(application, f"/apis/metrics.k8s.io/v1beta1{PODS}", SELECTOR)
    assert [item["containers"][0]["usage"]["cpu"] for item in body["items"]] == ["125000000n"] * 2
    assert {item["window"] for item in body["items"]} == {"1.0s"}


@pytest.mark.parametrize(
    ("path", "query"),
    [
        (f"/apis/custom.metrics.k8s.io/v1beta2{PODS}/*/other", SELECTOR),
        (f"/apis/custom.metrics.k8s.io/v1beta2{PODS}/*/{METRIC}", b"labelSelector=app%3Dshop"),
        ("/apis/custom.metrics.k8s.io/v1beta1", b""),
        ("/openapi/v2", b""),
    ],
)
def test_what_it_has_not_is_not_found(application: MetricsApi, path: str, query: bytes) -> None:
    """Other metrics, selectors that name no Deployment, other versions."""
    status, body = _get(application, path, query)
    assert (status, body["code"]) == (404, 404)
