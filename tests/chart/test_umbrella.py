from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.chart.conftest import KUBERNETES, Manifest, run, selects
from tests.chart.rendering import StrictLoader
from tests.chart.test_schemas import conform
from tests.umbrella import build

EVERYTHING = {
    f"{alias}.{name}": "true"
    for alias in ("users", "accounts")
    for name in ("metrics.podMonitor.enabled", "prometheusRule.enabled", "redis.exporter.enabled")
}


def rendered(helm: str, umbrella: Path, release: str = "shop", **settings: str) -> list[Manifest]:
    """The umbrella's manifests, read strictly."""
    arguments = ["template", release, str(umbrella), "--namespace", "shop", "--kube-version", KUBERNETES]
    arguments += [f"--set={name}={value}" for name, value in settings.items()]
    return [manifest for manifest in yaml.load_all(run(helm, *arguments).stdout, StrictLoader) if manifest]


@pytest.fixture
def umbrella(helm: str, tmp_path: Path) -> Path:
    """The umbrella chart, with this one packaged by the Helm under test."""
    return build(tmp_path, helm)


def labels_of_pods(manifests: list[Manifest]) -> Iterator[dict[str, str]]:
    """The labels of each pod that there would be."""
    for manifest in manifests:
        spec = manifest.get("spec", {})
        if manifest["kind"] == "Pod":
            yield manifest["metadata"]["labels"]
        elif "template" in spec:
            yield spec["template"]["metadata"]["labels"]


def selector_of(manifest: Manifest) -> Manifest | None:
    """What an object of a chart selects pods by, or None."""
    spec = manifest.get("spec", {})
    if manifest["kind"] == "Service":
        return {"matchLabels": spec["selector"]}
    found: Manifest | None = spec.get("podSelector", spec.get("selector"))
    return found


def test_an_umbrella_renders_what_the_api_takes(helm: str, umbrella: Path) -> None:
    """Two aliases and a neighbour render strict YAML of objects that differ in kind or name and fit their schemas."""
    manifests = rendered(helm, umbrella, **EVERYTHING)
    names = [(m["kind"], m["metadata"]["name"]) for m in manifests]
    assert len(names) == len(set(names))
    deployments = {name for kind, name in names if kind == "Deployment"}
    assert deployments == {"shop-users", "shop-accounts", "shop-neighbour"}
    passes, said = conform(*manifests)
    assert passes, said


def test_each_chart_selects_its_own_pods_alone(helm: str, umbrella: Path) -> None:
    """No Service, policy, budget, monitor or workload of one alias selects a pod of the other or of the neighbour."""
    manifests = rendered(helm, umbrella, **EVERYTHING)
    pods = list(labels_of_pods(manifests))
    assert len(pods) > 15
    stores = ("redis", "postgresql")
    owners = {alias: {alias, *(f"{alias}-{store}" for store in stores)} for alias in ("users", "accounts")}
    owners["neighbour"] = {"neighbour"}
    checked = set()
    for manifest in manifests:
        selector = selector_of(manifest)
        if selector is None:
            continue
        name = manifest["metadata"]["labels"]["app.kubernetes.io/name"].partition("-")[0]
        selected = {labels["app.kubernetes.io/name"] for labels in pods if selects(selector, labels)}
        assert selected, manifest["metadata"]["name"]
        assert selected <= owners[name], manifest["metadata"]["name"]
        checked.add(manifest["kind"])
    assert {"Service", "NetworkPolicy", "PodDisruptionBudget", "PodMonitor", "Deployment", "StatefulSet"} <= checked


def test_a_condition_leaves_an_alias_out(helm: str, umbrella: Path) -> None:
    """`condition: users.enabled` is a value that the schema knows, and leaves that alias out."""
    manifests = rendered(helm, umbrella, **{"users.enabled": "false"})
    assert {m["metadata"]["name"] for m in manifests if m["kind"] == "Deployment"} == {
        "shop-accounts",
        "shop-neighbour",
    }


@pytest.mark.parametrize("release", ["users", "users-accounts", "a" * 53])
def test_aliases_never_share_a_name(helm: str, umbrella: Path, release: str) -> None:
    """Also where the release is called like an alias, like both, or as long as a release may be."""
    names = [(m["kind"], m["metadata"]["name"]) for m in rendered(helm, umbrella, release)]
    assert len(names) == len(set(names))
    assert all(len(name) <= 63 for kind, name in names if kind in {"Service", "Deployment", "StatefulSet", "Job"})
