import socket

import pytest
from kubernetes import client

from k8s.client.autoscaler import Autoscaler, Condition, Target
from k8s.client.errors import ClusterError
from k8s.client.event import Event
from k8s.client.pod import Pod
from k8s.client.release import Release
from k8s.client.waiting import NotInTimeError
from tests.unit.k8s.client.api_server import SINCE_S


def test_a_release_is_read_as_the_cluster_shows_it(api: client.ApiClient) -> None:
    """Replicas, pods, the autoscaler's numbers and the events come out of the API server's answers."""
    release = Release(api, "ns", "api")
    assert (release.wanted(), release.ready()) == (3, 1)
    assert release.api_pods() == [
        Pod("a", "worker", True, 1, False, SINCE_S, SINCE_S, "10.0.0.1", "api:1", "OOMKilled", "Ready", False),  # noqa: FBT003 - in the fields' order
        Pod("b", "worker", False, 1, True, SINCE_S, None, "10.0.0.1", "api:1", "", "Stopping", True),  # noqa: FBT003 - likewise
    ]
    assert [pod.name for pod in release.serving_pods()] == ["a"]
    targets = (Target("request rate", 12.5, 30, "/s each"), Target("cpu", 91, 80, "%"))
    conditions = {"ScalingActive": Condition("ScalingActive", "True", "ValidMetricFound", "")}
    assert release.autoscaler() == Autoscaler("keda-api", 2, 8, 4, 2, targets, conditions, SINCE_S)
    assert (release.autoscaler().cpu_percent, release.autoscaler().request_rate) == (91, 12.5)
    assert release.events() == [Event(SINCE_S, "Killing", "Pod/a", "Stopping container api", 2, is_warning=False)]
    assert release.events(since_s=SINCE_S + 1) == []


def test_replicas_are_waited_for(api: client.ApiClient) -> None:
    """As many must be wanted as are ready: of the three wanted one is, and that is what the error says."""
    with pytest.raises(NotInTimeError, match=r"3 replicas wanted and ready: .* but \(3, 1\)"):
        Release(api, "ns", "api").wait_for_replicas(3, seconds=0)


def test_the_fewest_replicas_are_waited_for(api: client.ApiClient) -> None:
    """No more than the autoscaler's minimum may be wanted, ready and left; the error has all four numbers."""
    assert Release(api, "quiet", "api").wait_for_minimum(seconds=60) == 1
    with pytest.raises(NotInTimeError, match=r"minimum=2, wanted=4, ready=1, left=2"):
        Release(api, "ns", "api").wait_for_minimum(seconds=0)


def test_without_an_autoscaler_there_is_none_to_find(api: client.ApiClient) -> None:
    """Where nothing scales the Deployment that is no error to who can do without."""
    assert Release(api, "umbrella", "other").find_autoscaler() is None


def test_a_release_that_is_not_there_is_an_error(api: client.ApiClient) -> None:
    """Without a Deployment or an autoscaler the error says so, and what to do."""
    for question in (Release.replicas, Release.autoscaler):
        with pytest.raises(ClusterError, match=r"no release other in namespace ns: .*`make install` installs it"):
            question(Release(api, "ns", "other"))
    with pytest.raises(ClusterError, match="no HorizontalPodAutoscaler in namespace umbrella scales Deployment third"):
        Release(api, "umbrella", "other").autoscaler()


def test_a_namespace_that_does_not_answer_is_an_error(api: client.ApiClient) -> None:
    """What the API server refuses is told with its status."""
    with pytest.raises(ClusterError, match="the cluster answers 404"):
        Release(api, "nowhere", "api").events()


def test_the_deployment_is_found_by_its_labels(api: client.ApiClient) -> None:
    """However the chart has named it, replicas and series are those of the release's own Deployment."""
    release = Release(api, "ns", "api")
    assert release.deployment == "users"
    assert release.series == 'namespace="ns",pod=~"users-[a-z0-9]+-[a-z0-9]{5}"'
    assert Release(api, "umbrella", "other").wanted() == 3


def test_of_several_deployments_one_must_be_named(api: client.ApiClient) -> None:
    """An umbrella with the chart twice has two in one release: the error lists them, and a name chooses all of one."""
    with pytest.raises(ClusterError, match="more than one Deployment of the API: first, second"):
        Release(api, "umbrella", "api").wanted()
    second = Release(api, "umbrella", "api", "second")
    assert second.wanted() == 2
    assert [pod.name for pod in second.api_pods()] == ["second"]
    assert second.series.startswith('namespace="umbrella",pod=~"second-')
    with pytest.raises(ClusterError, match="has no Deployment third of the API, but first, second"):
        Release(api, "umbrella", "api", "third").wanted()


def test_a_cluster_that_is_not_there_is_named_with_what_to_do() -> None:
    """A kubeconfig that outlived its cluster gets the reason without urllib3's words, and the two ways out."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        nobody = client.ApiClient(client.Configuration(host=f"http://127.0.0.1:{closed.getsockname()[1]}"))
        with pytest.raises(ClusterError, match=r"does not answer \(.*refused\): `make kind-up` .*CONTEXT="):
            Release(nobody, "ns", "api").replicas()
