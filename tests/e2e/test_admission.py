from typing import Any

import pytest
from kubernetes import client
from kubernetes.client import ApiException

from tests.e2e.release import NAME, NAMESPACE, Release

pytestmark = pytest.mark.e2e


def test_all_pods_are_admitted_as_restricted(release: Release) -> None:
    """The namespace enforces Pod Security `restricted`, and the service and its Redis run in it."""
    labels = release.core.read_namespace(NAMESPACE).metadata.labels
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
    components = {
        pod.metadata.labels["app.kubernetes.io/component"]
        for pod in release.core.list_namespaced_pod(NAMESPACE).items
        if pod.status.phase == "Running"
    }
    assert components == {"api", "redis"}


def test_a_pod_with_more_rights_is_refused(release: Release) -> None:
    """A pod that would run as root is turned away by the API server, so the enforcement is no mere label."""
    rights = client.V1SecurityContext(run_as_user=0)
    container = client.V1Container(name="root", image="localhost/any", security_context=rights)
    pod = client.V1Pod(
        metadata=client.V1ObjectMeta(name="root"), spec=client.V1PodSpec(containers=[container], restart_policy="Never")
    )
    with pytest.raises(ApiException, match="violates PodSecurity"):
        release.core.create_namespaced_pod(NAMESPACE, pod, dry_run="All")


def test_keda_refuses_what_would_not_scale(release: Release) -> None:
    """KEDA's webhook is asked about each ScaledObject: a second one for the same Deployment is turned away."""
    objects: Any = client.CustomObjectsApi(release.core.api_client)
    place = ("keda.sh", "v1alpha1", NAMESPACE, "scaledobjects")
    spec = objects.get_namespaced_custom_object(*place, NAME)["spec"]
    spec["advanced"]["horizontalPodAutoscalerConfig"]["name"] = "second"
    second = {"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "metadata": {"name": "second"}, "spec": spec}
    with pytest.raises(ApiException, match="is already managed by the"):
        objects.create_namespaced_custom_object(*place, second, dry_run="All")
