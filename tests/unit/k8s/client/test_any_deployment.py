import pytest

from k8s.client.errors import ClusterError, NoAnswerError
from k8s.client.release import Release
from tests.chaos_cluster import LABELS, NAME, Cluster, serving


@pytest.fixture
def unlabelled() -> Cluster:
    """A cluster with a Deployment that somebody else's manifests made, beside pods of others."""
    cluster = Cluster(2, scaled=(2, 4))
    cluster.deployment["metadata"]["labels"] = {"app": NAME}
    cluster.deployment["spec"]["selector"] = {"matchLabels": LABELS}
    cluster.add("other", labels={"app": "other"})
    return cluster


def test_a_deployment_without_the_charts_labels_is_found_by_its_name(unlabelled: Cluster) -> None:
    """Its pods are those that it selects itself, and its autoscaler is what scales it."""
    with serving(unlabelled) as release:
        named = Release(release.api, NAME, NAME, NAME)
        assert named.replicas() == (2, 2)
        assert len(named.api_pods()) == 2
        assert named.redis_pods() == []
        assert named.autoscaler().maximum == 4


def test_one_that_is_not_there_is_told(unlabelled: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without its name nobody can know it, and a cluster that refuses is no cluster without it."""
    with serving(unlabelled) as release:
        for name in ("", "other"):
            with pytest.raises(ClusterError, match=f"no release {NAME} in namespace {NAME}"):
                Release(release.api, NAME, NAME, name).read()
        answer = unlabelled.answer
        monkeypatch.setattr(
            unlabelled, "answer", lambda *asked: (403, {}) if asked[1].endswith(f"/{NAME}") else answer(*asked)
        )
        with pytest.raises(NoAnswerError, match="403"):
            Release(release.api, NAME, NAME, NAME).read()
