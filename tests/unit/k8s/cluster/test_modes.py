import pytest

from k8s.cluster import modes
from k8s.cluster.steps import StepError

_UNREACHABLE = "dial tcp: lookup registry-1.docker.io: no such host"


def _not_asked() -> str:
    raise AssertionError("docker was asked")


@pytest.mark.parametrize("made", [modes.PULL, modes.BUILD])
def test_a_cluster_decides_and_nobody_is_asked(made: str) -> None:
    """What the cluster was made by is taken, whatever docker would say today."""
    assert modes.choose(modes.AUTO, made, _not_asked, can_build=True).mode == made
    assert modes.choose(made, made, _not_asked, can_build=True).mode == made


@pytest.mark.parametrize("asked", [modes.PULL, modes.BUILD])
def test_the_user_decides(asked: str) -> None:
    """A mode that is named is taken, and the reason says so."""
    assert modes.choose(asked, "", _not_asked, can_build=False) == modes.Choice(asked, f"as MODE={asked} says")


def test_a_host_that_can_build_does_where_no_image_can_be_pulled() -> None:
    """A sandbox without the internet builds without being told, and the reason is in docker's words."""
    choice = modes.choose(modes.AUTO, "", lambda: _UNREACHABLE, can_build=True)
    assert choice.mode == modes.BUILD
    assert _UNREACHABLE in choice.reason


@pytest.mark.parametrize(
    "trouble", ["toomanyrequests: pull rate limit", "i/o timeout", "`docker pull` did not answer within 120 s"]
)
def test_what_passes_never_builds(trouble: str) -> None:
    """Not even a host that can build takes half an hour for a limit or a slow line: the user is asked."""
    with pytest.raises(StepError, match="MODE=build"):
        modes.choose(modes.AUTO, "", lambda: trouble, can_build=True)


def test_where_images_can_be_pulled_they_are() -> None:
    """A host that could build too pulls."""
    assert modes.choose(modes.AUTO, "", str, can_build=True).mode == modes.PULL
