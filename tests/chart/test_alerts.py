from pathlib import Path

import pytest
import yaml

from service.fleet.observability.metrics import LATENCY_BUCKETS_SECONDS
from tests.chart.conftest import CHART, ROOT, Manifest, Render, find, run

HERE = Path(__file__).parent
CASES = (HERE / "alerts.yaml", HERE / "alerts-over-days.yaml")
CONTROLLER_CASES = HERE / "alerts-controller.yaml"
RUNBOOKS = ROOT / "docs" / "runbooks"
SETTINGS = {
    "prometheusRule.enabled": "true",
    "ingress.enabled": "true",
    "routing.hosts[0]": "users.example.com",
    "routing.tls.mode": "selfSigned",
    "postgresql.mode": "bundled",
    "postgresql.pooler.enabled": "true",
}


@pytest.fixture
def groups(render: Render) -> list[Manifest]:
    """The rule groups that the chart renders, every alert among them."""
    rendered: list[Manifest] = find(render(**SETTINGS), "PrometheusRule")["spec"]["groups"]
    return rendered


def _alerts(groups: list[Manifest]) -> dict[str, Manifest]:
    return {rule["alert"]: rule for group in groups for rule in group["rules"] if "alert" in rule}


def _test(groups: list[Manifest], cases: Path, folder: Path) -> None:
    (folder / "rules.yaml").write_text(yaml.safe_dump({"groups": groups}))
    tests = yaml.safe_load(cases.read_text())
    (folder / "tests.yaml").write_text(yaml.safe_dump({**tests, "rule_files": ["rules.yaml"]}))
    run("promtool", "check", "rules", "--lint=all", "--lint-fatal", folder / "rules.yaml")
    run("promtool", "test", "rules", folder / "tests.yaml")


@pytest.mark.parametrize("cases", CASES, ids=lambda path: path.stem)
def test_alerts_fire_when_they_should_and_only_then(groups: list[Manifest], cases: Path, tmp_path: Path) -> None:
    """Promtool finds each alert firing on series of its fault and silent on series of health."""
    _test(groups, cases, tmp_path)


def test_a_controllers_certificate_is_watched_too(render: Render, tmp_path: Path) -> None:
    """Without cert-manager the alert reads what either Ingress controller tells of the release's own certificate."""
    settings = {**SETTINGS, "routing.tls.mode": "generated"}
    _test(find(render(**settings), "PrometheusRule")["spec"]["groups"], CONTROLLER_CASES, tmp_path)


def test_each_alert_is_tested_both_ways(groups: list[Manifest]) -> None:
    """Each alert has a case in which it fires and one in which it doesn't."""
    tests = [test for path in CASES for test in yaml.safe_load(path.read_text())["tests"]]
    cases = [case for test in tests for case in test["alert_rule_test"]]
    fires = {case["alertname"] for case in cases if case["exp_alerts"]}
    silent = {case["alertname"] for case in cases if not case["exp_alerts"]}
    assert fires == silent == set(_alerts(groups))


def test_each_alert_has_a_runbook(groups: list[Manifest]) -> None:
    """Each alert's link ends in a page of docs/runbooks, and each page but that of the way in is an alert's."""
    linked = {Path(rule["annotations"]["runbook_url"]).name for rule in _alerts(groups).values()}
    assert linked | {"ControllerNotScraped.md"} == {path.name for path in RUNBOOKS.glob("*.md")}


def test_an_alert_on_the_way_in_has_a_runbook(render: Render) -> None:
    """Where the Ingress counts, the alert on its controller is there, and its link ends in its page."""
    settings = {**SETTINGS, "prometheusRule.from": "ingress", "autoscaling.requestRate.ingress.controller": "nginx"}
    alert = _alerts(find(render(**settings), "PrometheusRule")["spec"]["groups"])["UsersApiControllerNotScraped"]
    assert alert["annotations"]["runbook_url"].endswith("/ControllerNotScraped.md")


def test_alerts_lead_to_their_dashboards(render: Render) -> None:
    """With Grafana's address each alert but the certificate's links to a dashboard of the chart, set to the release."""
    settings = {**SETTINGS, "prometheusRule.grafanaUrl": "https://grafana.example.com"}
    alerts = _alerts(find(render(**settings), "PrometheusRule")["spec"]["groups"])
    links = {name: alert["annotations"]["dashboard_url"] for name, alert in alerts.items() if "Certificate" not in name}
    pages = {f"https://grafana.example.com/d/users-api-{path.stem}" for path in (CHART / "dashboards").glob("*.json")}
    assert {link.partition("?")[0] for link in links.values()} <= pages
    assert {link.partition("?")[2] for link in links.values()} == {"var-namespace=users-api&var-release=users-api"}


def test_the_promised_time_is_one_that_the_service_counts() -> None:
    """A time that is no edge of the service's histogram is refused, with all those that are."""
    settings = ("--set=prometheusRule.enabled=true", "--set-json=prometheusRule.latencySeconds=0.3")
    production = f"--values={CHART / 'values-production.yaml'}"
    refused = run("helm", "template", "users-api", "chart", production, *settings, check=False).stderr
    _, found, edges = refused.partition("latencySeconds 0.3 is no edge of the histogram: use one of ")
    assert found
    assert tuple(float(edge) for edge in edges.splitlines()[0].split(", ")) == LATENCY_BUCKETS_SECONDS
