import pytest

from k8s.client.waiting import wait_until
from tests.e2e.release import NAME, Release, helm, kubectl

pytestmark = pytest.mark.e2e

# What every namespace has, whoever lives in it.
ALWAYS_THERE = {"configmap/kube-root-ca.crt", "serviceaccount/default"}


def _objects() -> set[str]:
    """All there is in the namespace but its history of events and what the control plane keeps for itself."""
    kinds = kubectl("api-resources", "--verbs=list", "--namespaced", "--output=name").split()
    kept = [kind for kind in kinds if not kind.startswith(("events", "pods.metrics", "podmetrics"))]
    return set(kubectl("get", ",".join(kept), "--output=name", "--ignore-not-found").split()) - ALWAYS_THERE


def test_uninstall_leaves_nothing(installed: Release) -> None:
    """After `helm uninstall` the namespace is as empty as a new one."""
    assert _objects()
    helm("uninstall", NAME, "--wait", "--timeout", "2m")
    installed.forget()
    wait_until(_objects, lambda left: not left, 90, "an empty namespace")
