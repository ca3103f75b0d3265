import pytest

from k8s.client.pod import Pod
from k8s.client.release import Release
from loadtests.assess.availability import is_whole


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
    assert is_whole(release, "killed", before=3) is whole
