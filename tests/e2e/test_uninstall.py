import pytest

from k8s.client.waiting import wait_until
from tests.e2e.release import Release

pytestmark = pytest.mark.e2e


def test_uninstall_leaves_nothing(installed: Release) -> None:
    """After `helm uninstall` the namespace is as empty as a new one."""
    assert installed.objects()
    installed.helm("uninstall", installed.name, "--wait", "--timeout", "2m")
    installed.forget()
    wait_until(installed.objects, lambda left: not left, 90, "an empty namespace")
