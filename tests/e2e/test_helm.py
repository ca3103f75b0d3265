from collections.abc import Callable, Iterator
from typing import Any

import pytest
from kubernetes import client

from k8s.client.waiting import wait_until
from tests.e2e.helm import VALUES_FILES
from tests.e2e.own_release import SMALL, OwnRelease, at_once

pytestmark = [pytest.mark.e2e, pytest.mark.helms]

SIX = 6
# Idle pods use more than 1 % of their request, so that a real HPA on a real metric goes to its maximum and stays.
SCALED: dict[str, Any] = {
    **SMALL,
    "autoscaling": {
        "engine": "hpa",
        "minReplicas": 2,
        "maxReplicas": SIX,
        "cpu": {"targetUtilizationPercent": 1},
        "requestRate": {"source": "none"},
    },
}
OFF: dict[str, Any] = {**SCALED, "autoscaling": {**SCALED["autoscaling"], "engine": "none"}, "replicaCount": SIX}
ROLLED: dict[str, Any] = {**SCALED, "config": {**SCALED["config"], "logLevel": "WARNING"}}
ROLL_BACK = {"helm": "--atomic", "helm4": "--rollback-on-failure"}


@pytest.fixture(scope="module")
def scaled(api: client.ApiClient) -> Iterator[dict[str, OwnRelease]]:
    """A release by Helm 3 and one by Helm 4, each taken to six replicas by its HPA."""
    releases = {binary: OwnRelease(api, f"by-{binary}", binary) for binary in ROLL_BACK}
    try:
        at_once(releases.values(), lambda release: release.upgrade(SCALED, "--wait", "--timeout", "2m"))
        for release in releases.values():
            release.wait_for_replicas(SIX, seconds=180)
        yield releases
    finally:
        for release in releases.values():
            release.remove()


def each(releases: dict[str, OwnRelease], check: Callable[[OwnRelease], object]) -> None:
    """Do the same by both Helms at once, each with its own release at six replicas."""

    def do(release: OwnRelease) -> None:
        release.wait_for_replicas(SIX, seconds=120)
        check(release)

    at_once(releases.values(), do)


def test_an_upgrade_leaves_six(scaled: dict[str, OwnRelease]) -> None:
    """With six replicas by the HPA, `helm upgrade` of their template rolls them and never wants another number."""

    def check(release: OwnRelease) -> None:
        with release.watching_the_count() as seen:
            release.upgrade(ROLLED, "--wait", "--timeout", "2m")
        assert seen == {SIX}

    each(scaled, check)


def test_a_failed_switch_is_rolled_back(scaled: dict[str, OwnRelease]) -> None:
    """An upgrade that switches the HPA off and names a missing runtime class fails, is rolled back, and leaves six."""

    def check(release: OwnRelease) -> None:
        # Only the API's pods have it: with the image missing the Job before them would fail, and nothing be switched.
        broken = {**OFF, "runtimeClassName": "missing"}
        with release.watching_the_count() as seen:
            # The way back has as long as the way there: six pods of it, on a busy machine too.
            flags = (*VALUES_FILES, "--timeout", "45s")
            done = release.try_helm("upgrade", release.name, "chart", *flags, ROLL_BACK[release.binary], values=broken)
        assert done.returncode != 0
        assert release.autoscaler().minimum == 2
        assert "STATUS: deployed" in release.helm("status", release.name)
        assert release.kubectl("get", "deployment", release.name, "--output=jsonpath={..runtimeClassName}") == ""
        assert seen == {SIX}

    each(scaled, check)


def test_a_rollback_leaves_six(scaled: dict[str, OwnRelease]) -> None:
    """`helm rollback` to the first revision, over all the switching, never wants another number."""

    def check(release: OwnRelease) -> None:
        with release.watching_the_count() as seen:
            release.helm("rollback", release.name, "1", "--wait", "--timeout", "2m")
        assert seen == {SIX}

    each(scaled, check)


def test_uninstall_leaves_nothing(scaled: dict[str, OwnRelease]) -> None:
    """After `helm uninstall` the namespace is as empty as a new one."""

    def check(release: OwnRelease) -> None:
        assert release.objects()
        release.helm("uninstall", release.name, "--wait", "--timeout", "2m")
        wait_until(release.objects, lambda left: not left, 60, "an empty namespace")

    each(scaled, check)
