from collections.abc import Mapping
from typing import Any

import pytest

from k8s.client.autoscaler import Autoscaler
from k8s.client.errors import NoAnswerError
from loadtests.errors import LoadTestError
from loadtests.tune import hold

KEDA_PATH = "/apis/keda.sh/v1alpha1/namespaces/shop/scaledobjects/shop"
HPA_PATH = "/apis/autoscaling/v2/namespaces/shop/horizontalpodautoscalers/shop-keda"


def _entry(manager: str, *fields: str) -> dict[str, Any]:
    return {
        "manager": manager,
        "operation": "Apply",
        "fieldsV1": {"f:spec": {f"f:{field}": {} for field in fields}},
    }


class _Cluster:
    """A release whose autoscaler follows its bounds at once, and the objects that have them."""

    namespace, deployment = "shop", "shop"

    def __init__(self, *, scaled_object: str, minimum: int = 2, maximum: int = 6, scaled: bool = True) -> None:
        self._scaled_object, self._scaled = scaled_object, scaled
        keda = {"minReplicaCount": minimum, "maxReplicaCount": maximum}
        hpa = {"minReplicas": minimum, "maxReplicas": maximum}
        self.specs: dict[str, dict[str, Any]] = {KEDA_PATH: keda, HPA_PATH: hpa}
        self.owners = [_entry("helm", *keda, *hpa)]
        self.waited_for: list[int] = []
        self.refuses = False

    def get(self, _api: object, path: str) -> dict[str, Any]:
        return {"spec": dict(self.specs[path]), "metadata": {"managedFields": self.owners}}

    def patch(self, _api: object, path: str, change: Mapping[str, Any], manager: str) -> None:
        if self.refuses:
            raise NoAnswerError(403, "forbidden")
        if "spec" in change:
            self.specs[path] |= change["spec"]
            self.owners = [_entry(manager, *change["spec"])]
        else:
            self.owners = change["metadata"]["managedFields"]

    def find_autoscaler(self) -> Autoscaler | None:
        if not self._scaled:
            return None
        low, high = self.specs[KEDA_PATH if self._scaled_object else HPA_PATH].values()
        return Autoscaler("shop-keda", low, high, 2, 2, (), {}, None, self._scaled_object)

    def autoscaler(self) -> Autoscaler:
        found = self.find_autoscaler()
        assert found
        return found

    def wanted(self) -> int:
        return 2

    def wait_for_replicas(self, count: int, _seconds: float) -> None:
        self.waited_for.append(count)


def _cluster(monkeypatch: pytest.MonkeyPatch, **options: Any) -> Any:  # noqa: ANN401 - in place of a Release
    cluster = _Cluster(**options)
    monkeypatch.setattr(hold, "get", cluster.get)
    monkeypatch.setattr(hold, "patch", cluster.patch)
    return cluster


@pytest.mark.parametrize(("scaled_object", "path"), [("shop", KEDA_PATH), ("", HPA_PATH)])
def test_replicas_are_held_by_bounds_which_are_put_back(
    scaled_object: str, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The ScaledObject where KEDA has made the HPA, else the HPA; and what was interrupted is put back too."""
    cluster = _cluster(monkeypatch, scaled_object=scaled_object)
    before = {each: dict(spec) for each, spec in cluster.specs.items()}
    said: list[str] = []

    def interrupted() -> None:
        with hold.held(None, cluster, 3, said.append):
            assert set(cluster.specs[path].values()) == {3}
            assert cluster.waited_for == [3]
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert cluster.specs == before
    assert [entry["manager"] for entry in cluster.owners] == ["helm"]
    kind = "scaledobject/shop" if scaled_object else "hpa/shop-keda"
    assert f'kubectl --namespace shop patch {kind} --type merge --patch \'{{"spec"' in said[1]
    assert "6" in said[1]


def test_who_may_not_hold_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """A right that is missing ends the command before any load."""
    cluster = _cluster(monkeypatch, scaled_object="shop")
    cluster.refuses = True
    with pytest.raises(NoAnswerError, match="forbidden"), hold.held(None, cluster, 3, print):
        pytest.fail("not held")


def test_nothing_is_held_where_nothing_scales(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Deployment without an autoscaler keeps its count by itself."""
    cluster = _cluster(monkeypatch, scaled_object="", scaled=False)
    hold.require_a_fixed_count(cluster)
    with pytest.raises(LoadTestError, match="needs no --hold"), hold.held(None, cluster, 3, print):
        pytest.fail("held")


def test_an_autoscaler_that_would_follow_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is changed unless told: the message says what --hold would change."""
    cluster = _cluster(monkeypatch, scaled_object="shop")
    with pytest.raises(LoadTestError, match=r"2 to 6.*--hold.*ScaledObject shop"):
        hold.require_a_fixed_count(cluster)
    hold.require_a_fixed_count(_cluster(monkeypatch, scaled_object="shop", minimum=2, maximum=2))
