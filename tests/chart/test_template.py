"""The chart with the values of projects that are made of the template."""

import json
from pathlib import Path

import pytest
import yaml

from tests import template
from tests.chart.conftest import APP, KUBERNETES, Manifest, find, run
from tests.chart.test_schemas import conform


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The template's repository."""
    return template.lay_out(tmp_path_factory.mktemp("template"))


def _rendered(project: Path, name: str, *files: str) -> list[Manifest]:
    values = [f"--values={path}" for path in (APP, *(project / file for file in files))]
    text = run("helm", "template", name, "chart", f"--namespace={name}", "--kube-version", KUBERNETES, *values).stdout
    return [manifest for manifest in yaml.safe_load_all(text) if manifest]


@pytest.mark.parametrize(("name", "slug"), template.STRANGE.items())
def test_its_values_render(repository: Path, tmp_path: Path, name: str, slug: str) -> None:
    """Both clusters get objects that their APIs take, whose names are the slug, and none that names the users API."""
    project = template.make_project(repository, tmp_path / "project", project_name=name)
    anywhere = _rendered(project, slug, "values.yaml")
    local = _rendered(project, slug, "values.yaml", "values-kind.yaml")
    for manifests in (anywhere, local):
        assert find(manifests, "Deployment", slug)["spec"]["template"]["spec"]["containers"][0]["ports"]
        assert "users" not in json.dumps(manifests)
        passes, said = conform(*manifests)
        assert passes, said
    assert find(local, "Ingress", slug)["spec"]["rules"][0]["host"] == f"{slug}.localhost"
    assert [path["path"] for path in find(local, "Ingress", slug)["spec"]["rules"][0]["http"]["paths"]] == ["/api"]


def test_its_alerts_are_of_what_it_counts(repository: Path, tmp_path: Path) -> None:
    """With an operator it has alerts of its own name, on the counter and the histogram that app/main.py serves."""
    project = template.make_project(repository, tmp_path / "project", project_name="Web Shop")
    (project / "operator.yaml").write_text("{prometheusRule: {enabled: true, runbookUrl: 'https://wiki.example.com'}}")
    rule = find(_rendered(project, "web-shop", "values.yaml", "operator.yaml"), "PrometheusRule", "web-shop")
    assert "users" not in json.dumps(rule)
    rules = [rule for group in rule["spec"]["groups"] for rule in group["rules"]]
    assert "WebShopErrorBudgetBurnsFast" in {rule.get("alert") for rule in rules}
    records = {rule["record"]: rule["expr"] for rule in rules if "record" in rule}
    assert 'http_requests_total{namespace="web-shop",pod=~"web-shop-' in records["release:http_requests:rate5m"]
    assert "http_request_duration_highr_seconds_bucket{" in records["release:http_slow:rate5m"]


def test_it_scales_on_the_requests_that_it_counts(repository: Path, tmp_path: Path) -> None:
    """On the local cluster the autoscaler asks Prometheus for the counter that the application has, by its statuses."""
    project = template.make_project(repository, tmp_path / "project", project_name="Shop")
    local = _rendered(project, "shop", "values.yaml", "values-kind.yaml")
    query = find(local, "ScaledObject", "shop")["spec"]["triggers"][1]["metadata"]["query"]
    assert 'http_requests_total{namespace="shop",pod=~"shop-' in query
    assert 'status!~"401|403|429"' in query
    annotations = find(local, "Deployment", "shop")["spec"]["template"]["metadata"]["annotations"]
    assert (annotations["prometheus.io/port"], annotations["prometheus.io/path"]) == ("8000", "/metrics")
