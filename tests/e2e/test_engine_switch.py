from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from kubernetes import client

from k8s.client.waiting import wait_until
from tests.e2e.helm import VALUES_FILES
from tests.e2e.own_release import SMALL, OwnRelease, at_once
from tests.e2e.release import NAME
from tests.e2e.test_helm import ROLL_BACK

pytestmark = [pytest.mark.e2e, pytest.mark.helms]

FOUR = 4
FEWEST, MOST = 2, 8
# Wants the fewest once its patience ends, which is not in these tests, and never more than there are: any other count
# is the switch's doing.
IDLE: dict[str, Any] = {
    "minReplicas": FEWEST,
    "maxReplicas": MOST,
    "cpu": {"targetUtilizationPercent": 900},
    "behavior": {"scaleDown": {"stabilizationWindowSeconds": 600}},
}
ENGINES: dict[str, dict[str, Any]] = {
    "none": {**SMALL, "autoscaling": {"engine": "none"}, "replicaCount": FOUR},
    "hpa": {**SMALL, "autoscaling": {**IDLE, "engine": "hpa", "requestRate": {"source": "none"}}},
    "keda": {**SMALL, "autoscaling": {**IDLE, "engine": "keda"}},
}
# The HPA's name, the kind of its owner, and its bounds.
AUTOSCALERS = {
    "none": (f"{NAME}-fixed", None, FOUR, FOUR),
    "hpa": (NAME, None, FEWEST, MOST),
    "keda": (f"{NAME}-keda", "ScaledObject", FEWEST, MOST),
}
# All six, each from where the one before it ends.
SWITCHES = [
    ("none", "hpa"),
    ("hpa", "keda"),
    ("keda", "none"),
    ("none", "keda"),
    ("keda", "hpa"),
    ("hpa", "none"),
]


class Switched(OwnRelease):
    """A release of a test's own that knows its engine."""

    engine = ""

    def take(self, engine: str) -> None:
        """Have this engine, if it is not the one there is, at four replicas."""
        if engine != self.engine:
            self.engine = engine
            self.upgrade(ENGINES[engine], "--wait", "--timeout", "2m")
        self.wait_for_replicas(FOUR, seconds=120)

    def wait_for_its_autoscaler(self) -> None:
        """Wait until the HPA of its engine is the only one there is, and active."""
        expected = [(*AUTOSCALERS[self.engine], ("True", "ValidMetricFound"))]
        wait_until(self._autoscalers, lambda seen: seen == expected, 90, f"the HPA of {self.engine} alone, and active")

    def _autoscalers(self) -> list[tuple[str, str | None, int, int, tuple[str, str] | None]]:
        found = []
        for hpa in self.autoscaling.list_namespaced_horizontal_pod_autoscaler(self.namespace).items:
            owner = next((one.kind for one in hpa.metadata.owner_references or ()), None)
            active = {one.type: (one.status, one.reason) for one in hpa.status.conditions or ()}.get("ScalingActive")
            found.append((hpa.metadata.name, owner, hpa.spec.min_replicas, hpa.spec.max_replicas, active))
        return found


@pytest.fixture(scope="module")
def releases(api: client.ApiClient) -> Iterator[list[Switched]]:
    """A release by Helm 3 and one by Helm 4, taken to four replicas."""
    releases = [Switched(api, f"switched-by-{binary}", binary) for binary in ROLL_BACK]
    try:
        at_once(releases, lambda release: release.take("none"))
        yield releases
    finally:
        for release in releases:
            release.remove()


def each(releases: list[Switched], before: Mapping[str, str], change: Callable[[Switched], object]) -> None:
    """Change both Helms' releases at once, from four replicas of their engine: the count stays, one HPA is active."""

    def do(release: Switched) -> None:
        release.take(before[release.binary])
        with release.watching_the_count() as seen:
            change(release)
            release.wait_for_its_autoscaler()
        assert seen == {FOUR}

    at_once(releases, do)


@pytest.mark.parametrize(("before", "after"), SWITCHES)
def test_a_switch_leaves_one_autoscaler_and_four_replicas(releases: list[Switched], before: str, after: str) -> None:
    """`helm upgrade` to another engine leaves its HPA and no other, active, and the replicas where they were."""
    each(releases, dict.fromkeys(ROLL_BACK, before), lambda release: _switch(release, ENGINES[after], after))


def test_a_failed_switch_leaves_the_autoscaler_before_it(releases: list[Switched]) -> None:
    """A switch whose pods cannot start fails and is rolled back: the old engine's HPA alone, four replicas."""
    # One way by each Helm: tests/e2e/test_helm.py has both fail at the same.
    ways = {"helm": ("hpa", "keda"), "helm4": ("keda", "hpa")}
    # Not an image that is missing: the hook before an upgrade has it too, and then nothing was changed that goes back.
    broken = {
        "extraVolumes": [{"name": "missing", "secret": {"secretName": "missing"}}],
        "extraVolumeMounts": [{"name": "missing", "mountPath": "/missing"}],
    }

    def fail(release: Switched) -> None:
        flags = (*VALUES_FILES, "--wait", "--timeout", "40s")
        values = {**ENGINES[ways[release.binary][1]], **broken}
        assert release.try_helm("upgrade", NAME, "chart", *flags, values=values).returncode != 0
        # As Helm does it itself if told to, but then the way back has no longer than the way there.
        release.helm("rollback", NAME, "--wait", "--timeout", "3m")

    each(releases, {binary: before for binary, (before, _) in ways.items()}, fail)


def test_a_rollback_brings_the_autoscaler_back(releases: list[Switched]) -> None:
    """`helm rollback` over a switch does the same as the switch back."""

    def back(release: Switched) -> None:
        release.upgrade(ENGINES["keda"])
        release.wait_for_replicas(FOUR, seconds=60)
        release.helm("rollback", NAME, "--wait", "--timeout", "2m")

    each(releases, dict.fromkeys(ROLL_BACK, "hpa"), back)


def _switch(release: Switched, values: Mapping[str, Any], engine: str) -> None:
    release.upgrade(values)
    release.engine = engine
