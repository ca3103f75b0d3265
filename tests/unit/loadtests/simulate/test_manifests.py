import pytest

from loadtests.simulate.fleet import LABEL, App
from loadtests.simulate.manifests import Manifest, autoscaler, deployment, rate_metric
from loadtests.simulate.pod_model import PodModel, Served
from loadtests.simulate.settings import settings


@pytest.fixture
def chart() -> dict[str, Manifest]:
    """Give the parts of the chart's objects that are changed."""
    constraint = {"topologyKey": "host", "labelSelector": {"matchLabels": {LABEL: "simulated"}}}
    wish = {"weight": 100, "podAffinityTerm": {**constraint, "topologyKey": "zone"}}
    affinity = {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [wish]}}
    return {
        "Deployment": {
            "kind": "Deployment",
            "metadata": {"name": "simulated", "labels": {LABEL: "simulated"}},
            "spec": {
                "selector": {"matchLabels": {LABEL: "simulated"}},
                "template": {
                    "metadata": {"labels": {LABEL: "simulated"}, "annotations": {"kept": "yes"}},
                    "spec": {"containers": [], "topologySpreadConstraints": [constraint], "affinity": affinity},
                },
            },
        },
        "HorizontalPodAutoscaler": {
            "kind": "HorizontalPodAutoscaler",
            "metadata": {"name": "simulated"},
            "spec": {
                "scaleTargetRef": {"kind": "Deployment", "name": "simulated"},
                "metrics": [
                    {"type": "Resource", "resource": {"name": "cpu", "target": {"averageUtilization": 65}}},
                    {"type": "Pods", "pods": {"metric": {"name": "rate"}, "target": {"averageValue": "100"}}},
                ],
            },
        },
    }


def test_a_deployment_selects_its_own_pods(chart: dict[str, Manifest]) -> None:
    """Selector, pods and their spread carry its name; the rest is the chart's, which stays as it was."""
    named = deployment(chart["Deployment"], "shop", 7)
    template = named["spec"]["template"]
    assert named["spec"]["replicas"] == 7
    assert named["spec"]["selector"]["matchLabels"] == template["metadata"]["labels"] == {LABEL: "shop"}
    assert template["spec"]["topologySpreadConstraints"][0]["labelSelector"]["matchLabels"] == {LABEL: "shop"}
    (wish,) = template["spec"]["affinity"]["podAntiAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"]
    assert wish["podAffinityTerm"]["labelSelector"]["matchLabels"] == {LABEL: "shop"}
    assert template["metadata"]["annotations"] == {"kept": "yes"}
    assert chart["Deployment"]["metadata"]["name"] == "simulated"


def test_an_autoscaler_has_its_settings_targets_and_periods(chart: dict[str, Manifest]) -> None:
    """Both targets are the setting's share of a pod's capacity, and periods are divided by the speed."""
    setting = next(each for each in settings({}) if each.name == "headroom")
    app = App("shop", setting, [1.0], Served([1.0], 1000))
    model = PodModel(capacity_rps=200, request_millicores=250)
    spec = autoscaler(chart["HorizontalPodAutoscaler"], app, model, (2, 50), speed=15)["spec"]
    cpu, rate = spec["metrics"]
    assert spec["scaleTargetRef"]["name"] == "shop"
    assert (spec["minReplicas"], spec["maxReplicas"]) == (2, 50)
    assert cpu["resource"]["target"]["averageUtilization"] == 50
    assert rate["pods"]["target"]["averageValue"] == "100000m"
    assert spec["behavior"]["scaleDown"]["stabilizationWindowSeconds"] == 20


def test_the_rates_metric_is_named_by_the_chart(chart: dict[str, Manifest]) -> None:
    """What the double answers for is what the HPA asks for."""
    assert rate_metric(chart["HorizontalPodAutoscaler"]) == "rate"
