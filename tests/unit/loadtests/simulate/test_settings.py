import yaml

from loadtests.simulate.settings import CHART, settings, values


def test_defaults_are_those_of_the_chart() -> None:
    """The chart's own setting is what values.yaml says, so that changing it changes what is simulated."""
    chart = yaml.safe_load((CHART / "values.yaml").read_text())
    mine = {each.name: each for each in settings({"of": "kubernetes"})}
    assert mine["chart"].behavior == chart["autoscaling"]["behavior"]
    assert mine["chart"].target_percent == chart["autoscaling"]["cpu"]["targetUtilizationPercent"]
    assert mine["chart"].window_seconds == chart["autoscaling"]["requestRate"]["windowSeconds"]
    assert mine["kubernetes"].behavior == {"of": "kubernetes"}


def test_the_local_clusters_values_are_laid_over() -> None:
    """What values-kind.yaml leaves out is the chart's."""
    kind = next(each for each in settings({}) if each.name == "kind")
    assert kind.behavior["scaleUp"] == values()["autoscaling"]["behavior"]["scaleUp"]
    assert kind.behavior["scaleDown"]["stabilizationWindowSeconds"] == 30
    assert values("values-kind.yaml")["resources"]["requests"]["cpu"] == "135m"
    assert values("values-kind.yaml", "values-demo.yaml")["resources"]["requests"] == {"cpu": "100m", "memory": "96Mi"}


def test_names_fit_a_deployment() -> None:
    """Each is its own, and short enough to be part of a name."""
    names = [each.name for each in settings({})]
    assert len(set(names)) == len(names)
    assert all(name.replace("-", "").isalpha() and name == name.lower() and len(name) < 20 for name in names)
