from collections.abc import Iterator
from typing import Any

import pytest
from kubernetes import client

from tests.e2e.diagnosis import wait_for_verdict
from tests.e2e.helm import CONTEXT, run
from tests.e2e.own_release import SMALL, OwnRelease, own_release
from tests.e2e.release import merged

# Where an API of the cluster is announced and not yet served, what lists all kinds fails.
pytestmark = [pytest.mark.e2e, pytest.mark.alone]

SIX = 6
TARGET = 50
METRIC = "http_requests_per_second"
VALUES: dict[str, Any] = {
    **SMALL,
    "autoscaling": {
        "engine": "hpa",
        "minReplicas": 1,
        "maxReplicas": 8,
        "cpu": {"targetUtilizationPercent": 1000},
        # `auto` takes the Pods metric because the cluster serves that API by now.
        "requestRate": {"source": "auto", "targetPerReplica": TARGET},
        # So that the count stays while the test looks.
        "behavior": {"scaleDown": {"stabilizationWindowSeconds": 300}},
    },
}


@pytest.fixture(scope="module")
def adapter() -> Iterator[None]:
    """Have an implementation of custom.metrics.k8s.io whose values are posted to it."""
    kubectl = ("kubectl", "--context", CONTEXT)
    try:
        run(*kubectl, "apply", "--server-side", "--kustomize", "k8s/custom-metrics")
        for version in ("v1beta1", "v1beta2"):
            service = f"apiservice/{version}.custom.metrics.k8s.io"
            run(*kubectl, "wait", service, "--for=condition=Available", "--timeout=120s")
        yield
    finally:
        run(*kubectl, "delete", "--ignore-not-found", "--kustomize", "k8s/custom-metrics")


@pytest.fixture(scope="module")
def release(api: client.ApiClient, adapter: None) -> Iterator[OwnRelease]:
    """A release with a native HPA, at its one replica."""
    del adapter
    with own_release(api, "by-pods-metric", VALUES) as release:
        yield release


def post(api: client.ApiClient, release: OwnRelease, name: str, value: int, kind: str = "pods") -> None:
    """Tell the adapter the request rate of a pod, or of an object of another kind."""
    service = "/api/v1/namespaces/custom-metrics/services/test-adapter:http/proxy/write-metrics"
    request = api.param_serialize(
        "POST",
        f"{service}/namespaces/{release.namespace}/{kind}/{name}/{METRIC}",
        header_params={"Content-Type": "application/json"},
        body=str(value),
        auth_settings=["BearerToken"],
    )
    response: Any = api.call_api(*request)
    assert response.status == 200, response.read()
    response.read()


def test_the_hpa_scales_on_the_pods_metric_and_an_upgrade_keeps_its_count(
    api: client.ApiClient, release: OwnRelease
) -> None:
    """One pod with six times the target makes six, by a real custom.metrics.k8s.io, and `helm upgrade` leaves them."""
    (pod,) = release.api_pods()
    post(api, release, pod.name, SIX * TARGET)
    release.wait_for_replicas(SIX, seconds=120)
    assert release.autoscaler().request_rate is not None
    with release.watching_the_count() as seen:
        release.upgrade({**VALUES, "commonLabels": {"tier": "web"}})
    assert seen == {SIX}


def test_the_doctor_walks_through_the_adapter(api: client.ApiClient, release: OwnRelease) -> None:
    """Pods without a value break the Pods metric, which the doctor names; with a value of each every link holds."""
    release.wait_for_rollout()
    wait_for_verdict(release, "first broken link: Pods metric: ")
    for pod in release.api_pods():
        post(api, release, pod.name, TARGET)
    wait_for_verdict(release, "every link holds")


def test_the_hpa_scales_on_the_metric_of_the_ingress(api: client.ApiClient, release: OwnRelease) -> None:
    """Of an application that counts nothing the adapter knows the Ingress' rate, which all replicas share."""
    way_in = {"ingress": {"enabled": True}, "routing": {"hosts": ["by-adapter.localhost"]}}
    release.upgrade(merged(merged(VALUES, way_in), {"autoscaling": {"requestRate": {"from": "ingress"}}}))
    post(api, release, release.deployment, (SIX + 1) * TARGET, "ingresses.networking.k8s.io")
    release.wait_for_replicas(SIX + 1, seconds=120)
    assert release.autoscaler().request_rate is not None
