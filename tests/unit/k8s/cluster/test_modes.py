import pytest

from k8s.cluster import modes
from k8s.cluster.steps import StepError

_UNREACHABLE = (
    "dial tcp: lookup registry-1.docker.io: no such host",
    "net/http: request canceled while waiting for connection (Client.Timeout exceeded while awaiting headers)",
    "lookup registry-1.docker.io on 10.0.0.2:53: read udp 10.0.0.3:53: i/o timeout",
)


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


@pytest.mark.parametrize("trouble", _UNREACHABLE)
def test_a_host_that_can_build_does_where_no_registry_is_reached(trouble: str) -> None:
    """A sandbox that refuses or drops what goes out builds without being told; docker's words and the way back are."""
    choice = modes.choose(modes.AUTO, "", lambda: trouble, can_build=True)
    assert choice.mode == modes.BUILD
    assert trouble in choice.reason
    assert "MODE=pull" in choice.reason


@pytest.mark.parametrize("trouble", _UNREACHABLE)
def test_a_host_that_builds_nothing_by_itself_asks(trouble: str) -> None:
    """Nothing begins, and the user reads what docker said and both ways on."""
    with pytest.raises(StepError, match=r"(?s)docker pull hello-world.*MODE=build.*MODE=pull"):
        modes.choose(modes.AUTO, "", lambda: trouble, can_build=False)


@pytest.mark.parametrize("trouble", ["toomanyrequests: pull rate limit", "`docker pull` did not answer within 120 s"])
def test_a_registry_that_is_reached_never_means_building(trouble: str) -> None:
    """Not even a host that can build takes half an hour for a limit or a slow line: the user is asked."""
    with pytest.raises(StepError, match="MODE=build"):
        modes.choose(modes.AUTO, "", lambda: trouble, can_build=True)


def test_where_images_can_be_pulled_they_are() -> None:
    """A host that could build too pulls."""
    assert modes.choose(modes.AUTO, "", str, can_build=True).mode == modes.PULL
