import pytest

from k8s.client.deployment import Json, choose, selector, surge_of
from k8s.client.errors import ClusterError


def _named(*names: str) -> list[Json]:
    return [{"metadata": {"name": name, "labels": {"app.kubernetes.io/name": f"of-{name}"}}} for name in names]


def test_the_only_one_is_chosen_whatever_its_name() -> None:
    """The name may lack the release's, as with fullnameOverride."""
    (found,) = _named("people")
    assert choose([found], "ns", "n1") is found
    assert choose([found], "ns", "n1", "people") is found


def test_none_names_where_to_look() -> None:
    """The error has the command that shows where a release is, and the options that name another."""
    with pytest.raises(ClusterError, match=r"no release n1 in namespace ns: `helm list.*RELEASE="):
        choose([], "ns", "n1")


def test_of_several_one_must_be_named() -> None:
    """The error lists them, and a name that is none of them is refused with the same list."""
    with pytest.raises(ClusterError, match=r"more than one Deployment of the API: a, b\. .*DEPLOYMENT="):
        choose(_named("b", "a"), "ns", "n1")
    with pytest.raises(ClusterError, match="no Deployment c of the API, but a, b"):
        choose(_named("b", "a"), "ns", "n1", "c")
    assert choose(_named("b", "a"), "ns", "n1", "a")["metadata"]["name"] == "a"


def test_objects_of_one_of_several_are_told_apart_by_their_name_label() -> None:
    """Aliases of one chart in an umbrella share the instance, not the name."""
    assert selector("n1") == "app.kubernetes.io/instance=n1,app.kubernetes.io/component=api"
    assert selector("n1", "redis", only_of=_named("a")[0]) == (
        "app.kubernetes.io/instance=n1,app.kubernetes.io/component=redis,app.kubernetes.io/name=of-a"
    )


@pytest.mark.parametrize(("said", "surge"), [("25%", 3), ("0%", 0), (4, 4), ("4", 4)])
def test_the_surge_is_kubernetes_own(said: int | str, surge: int) -> None:
    """A share of ten is rounded up, and a number is itself."""
    assert surge_of(said, 10) == surge
