import pytest

from k8s.client.api import delete
from k8s.client.pod import Pod
from k8s.client.release import Release
from loadtests.chaos import faults
from loadtests.chaos.faults import is_whole
from loadtests.errors import LoadTestError
from tests.chaos_cluster import Cluster, serving


class At(Release):
    """Stands in for a cluster at a moment of the autoscaler's that cannot be had at will."""

    def __init__(self, wanted: int, **pods: bool) -> None:
        self._wanted = wanted
        self._seen = [
            Pod(name, "node", ready, 0, False, 0, None, "", "", "", "", False)  # noqa: FBT003 - in the fields' order
            for name, ready in pods.items()
        ]

    def wanted(self) -> int:
        """Replicas that the Deployment is told to have."""
        return self._wanted

    def api_pods(self) -> list[Pod]:
        """The API's pods."""
        return self._seen


@pytest.mark.parametrize(
    ("release", "whole"),
    [
        (At(3, a=True, b=True), False),
        (At(3, a=True, b=True, killed=True), False),
        (At(3, a=True, b=True, new=False), False),
        (At(3, a=True, b=True, new=True), True),
        # Three served, and the autoscaler goes back to two: no third will come.
        (At(2, a=True, b=True), True),
        (At(2, a=True, b=False), False),
        # It asks for more than there were: that is no part of the recovery.
        (At(4, a=True, b=True, new=True), True),
    ],
)
def test_a_release_is_whole_with_as_many_as_before_or_as_are_wanted(release: Release, whole: bool) -> None:  # noqa: FBT001
    """The killed pod never counts, and one that the autoscaler has taken back is not waited for."""
    assert is_whole(release, "killed", at_s=1, before=3) is whole


def test_all_pods_are_replaced() -> None:
    """A restart ends when those that there were are gone, and as many are ready."""
    cluster = Cluster(3)
    with serving(cluster) as release:
        before = {pod.name for pod in release.api_pods()}
        faults.restart(release)
        after = {pod.name for pod in release.serving_pods()}
    assert len(after) == 3
    assert before.isdisjoint(after)
    assert cluster.told == [("PATCH", "/apis/apps/v1/namespaces/shop/deployments/shop")]


def test_a_pod_ends_with_its_grace_or_without(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another takes its place, and the release is whole again."""
    graces: list[int | None] = []

    def noted(api: object, path: str, *, grace_seconds: int | None = None) -> None:
        graces.append(grace_seconds)
        delete(api, path, grace_seconds=grace_seconds)

    monkeypatch.setattr(faults, "delete", noted)
    with serving(Cluster(2)) as release:
        for harm in (faults.stop_pod, faults.kill_pod):
            harmed, _ = (pod.name for pod in release.api_pods())
            harm(release, harmed)
            faults.wait_until_whole(release, harmed, 0, before=2)
            assert harmed not in {pod.name for pod in release.api_pods()}
    assert graces == [None, 0]


def test_what_does_not_become_whole_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message says where to look."""
    monkeypatch.setattr(faults, "PATIENCE_SECONDS", 0)
    cluster = Cluster(2)
    with serving(cluster) as release:
        cluster.pods.pop()
        with pytest.raises(LoadTestError, match="not all replicas are ready again after 0 s: see `kubectl get pods`"):
            faults.wait_until_whole(release, "gone", 0, before=2)
