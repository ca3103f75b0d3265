import pytest

from k8s.client.errors import NoAnswerError
from k8s.client.waiting import NotInTimeError
from loadtests.chaos import nodes
from loadtests.chaos.nodes import drained, evicted_from, named, of_release, to_lose
from loadtests.errors import LoadTestError
from tests.chaos_cluster import NAME, Cluster, serving

DAEMON = {"kind": "DaemonSet", "name": "logs"}


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nodes, "PERIOD_SECONDS", 0.01)


def test_the_node_to_lose_has_replicas_and_little_else() -> None:
    """Neither one that has none of them, nor the control plane's."""
    cluster = Cluster(2)
    cluster.add("other", "a")
    with serving(cluster) as release:
        assert to_lose(release) == "b"


def test_without_a_node_to_go_to_none_is_lost() -> None:
    """Pods need another that takes them, and what was cordoned by others is theirs."""
    cluster = Cluster(2)
    with serving(cluster) as release:
        cluster.nodes["control"]["spec"]["unschedulable"] = True
        cluster.nodes["b"]["spec"]["unschedulable"] = True
        with pytest.raises(LoadTestError, match="no node but a takes pods"):
            to_lose(release)
        cluster.nodes["a"]["spec"]["unschedulable"] = True
        with pytest.raises(LoadTestError, match="no node to lose: the API's pods are on a, b"):
            to_lose(release)


def test_a_drain_evicts_what_is_brought_back_elsewhere() -> None:
    """A budget that refuses is asked again, DaemonSets' pods and ended ones stay, and the node is given back."""
    cluster = Cluster(2)
    cluster.add("logs", "a", owners=(DAEMON,))
    cluster.add("of-the-node", "a", annotations={"kubernetes.io/config.mirror": "x"})
    cluster.add("ended", "a")
    cluster.pods[-1]["status"]["phase"] = "Succeeded"
    cluster.refused_evictions = 2
    with serving(cluster) as release:
        with drained(release, "a"):
            assert cluster.nodes["a"]["spec"]["unschedulable"]
            assert {pod.node for pod in release.api_pods()} == {"b"}
        left = [pod["metadata"]["name"] for pod in cluster.pods if pod["spec"]["nodeName"] == "a"]
        assert left == ["logs", "of-the-node", "ended"]
        assert cluster.nodes["a"]["spec"] == {}


def test_some_pods_may_be_left_there() -> None:
    """Those that the caller chooses go, and no others."""
    cluster = Cluster(2)
    cluster.add("other", "a")
    with serving(cluster) as release:
        (mine, other) = evicted_from(release, "a")
        assert [of_release(pod, release) for pod in (mine, other)] == [True, False]
        with drained(release, "a", lambda pod: not of_release(pod, release)):
            assert list(map(named, evicted_from(release, "a"))) == [f"{NAME}/{mine['metadata']['name']}"]


def test_what_nothing_would_bring_back_is_not_evicted() -> None:
    """The drain is refused before anything is done."""
    cluster = Cluster(2)
    cluster.add("by-hand", "a", owners=())
    with serving(cluster) as release:
        with pytest.raises(LoadTestError, match="nothing would bring back shop/by-hand"), drained(release, "a"):
            pytest.fail("drained")
        assert cluster.told == []


def test_a_node_that_is_not_empty_in_time_is_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message says who is still there; a node that was cordoned before stays so."""
    monkeypatch.setattr(nodes, "DRAINED_SECONDS", 0.1)
    cluster = Cluster(2)
    cluster.refused_evictions = 10_000
    cluster.nodes["a"]["spec"]["unschedulable"] = True
    with serving(cluster) as release:
        with pytest.raises(NotInTimeError, match=r"within 0\.1 s, there still are shop/shop-"), drained(release, "a"):
            pytest.fail("drained")
        assert cluster.nodes["a"]["spec"]["unschedulable"]


@pytest.mark.parametrize(("status", "is_over"), [(404, True), (403, False)])
def test_a_pod_that_is_gone_already_is_no_fault(monkeypatch: pytest.MonkeyPatch, status: int, *, is_over: bool) -> None:
    """Any other refusal ends the drain, and is told."""
    cluster = Cluster(2)

    def refuse(*_: object) -> None:
        cluster.pods = [pod for pod in cluster.pods if pod["spec"]["nodeName"] != "a"]
        raise NoAnswerError(status, "no")

    monkeypatch.setattr(nodes, "create", refuse)
    with serving(cluster) as release:
        if is_over:
            with drained(release, "a"):
                assert [pod.node for pod in release.api_pods()] == ["b"]
        else:
            with pytest.raises(NoAnswerError), drained(release, "a"):
                pytest.fail("drained")
        assert cluster.nodes["a"]["spec"] == {}
