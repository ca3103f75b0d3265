import pytest

from k8s.client.waiting import wait_until
from tests.e2e.release import WITH_DATABASE, Release

pytestmark = pytest.mark.e2e

KEPT = {"persistentvolumeclaim", "secret"}


def test_uninstall_leaves_the_users_and_nothing_else(installed: Release) -> None:
    """After `helm uninstall` the users and their passwords are left; without them the namespace is as a new one."""
    installed.configure(WITH_DATABASE)
    assert installed.objects()
    installed.helm("uninstall", installed.name, "--wait", "--timeout", "2m")
    installed.forget()
    wait_until(installed.objects, lambda left: {_kind(name) for name in left} == KEPT, 90, "claims and secrets")
    installed.kubectl("delete", "pvc,secret", "--selector", f"app.kubernetes.io/instance={installed.name}")
    wait_until(installed.objects, lambda left: not left, 90, "an empty namespace")


def _kind(name: str) -> str:
    return name.partition("/")[0]
