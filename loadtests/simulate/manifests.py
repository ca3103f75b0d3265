import copy
from pathlib import Path
from typing import Any

import yaml

from k8s.cluster.steps import Steps
from loadtests.simulate.clock import compressed
from loadtests.simulate.fleet import LABEL, App
from loadtests.simulate.pod_model import PodModel
from loadtests.simulate.settings import CHART

Manifest = dict[str, Any]


def of_chart(helm: Path, steps: Steps) -> dict[str, Manifest]:
    """Render the chart's Deployment and HPA, by kind, with its defaults for a cluster that serves custom metrics."""
    rendered = steps.command(
        "helm-template",
        [
            *(helm, "template", "simulated", CHART),
            *("--api-versions", "custom.metrics.k8s.io/v1beta2"),
            *("--show-only", "templates/deployment.yaml", "--show-only", "templates/hpa.yaml"),
        ],
    )
    return {manifest["kind"]: manifest for manifest in yaml.safe_load_all(rendered)}


def rate_metric(chart: Manifest) -> str:
    """Name the HPA's metric of the request rate."""
    return next(str(each["pods"]["metric"]["name"]) for each in chart["spec"]["metrics"] if each["type"] == "Pods")


def deployment(chart: Manifest, name: str, replicas: int) -> Manifest:
    """Give the chart's Deployment another name, and labels that select its pods alone."""
    named = copy.deepcopy(chart)
    named["metadata"] = {"name": name}
    spec = named["spec"]
    spec["replicas"] = replicas
    labels = {LABEL: name}
    spec["selector"] = {"matchLabels": labels}
    spec["template"]["metadata"]["labels"] = labels
    for each in _about_other_pods(spec["template"]["spec"]):
        each["labelSelector"] = {"matchLabels": labels}
    return named


def _about_other_pods(pod: Manifest) -> list[Manifest]:
    """The parts of a pod's spec that select other pods by label."""
    wishes = (
        pod.get("affinity", {}).get("podAntiAffinity", {}).get("preferredDuringSchedulingIgnoredDuringExecution", ())
    )
    return [*pod.get("topologySpreadConstraints", ()), *(wish["podAffinityTerm"] for wish in wishes)]


def autoscaler(chart: Manifest, app: App, model: PodModel, replicas: tuple[int, int], speed: int) -> Manifest:
    """Give the chart's HPA another name, the setting of `app`, and (fewest, most) replicas; periods by `speed`."""
    named = copy.deepcopy(chart)
    named["metadata"] = {"name": app.name}
    spec = named["spec"]
    spec["scaleTargetRef"]["name"] = app.name
    spec["minReplicas"], spec["maxReplicas"] = replicas
    spec["behavior"] = compressed(dict(app.setting.behavior), speed)[0]
    for metric in spec["metrics"]:
        if metric["type"] == "Pods":
            metric["pods"]["target"]["averageValue"] = f"{round(model.target_rps(app.setting) * 1000)}m"
        else:
            metric["resource"]["target"]["averageUtilization"] = round(app.setting.target_percent)
    return named
