import re
from pathlib import Path

import pytest
import yaml
from prometheus_client import REGISTRY

from service.app import create_app
from service.settings import Settings
from tests.chart.conftest import ROOT, Manifest, Render, find, run

RULE_TESTS = Path(__file__).with_name("alerts.yaml")
RUNBOOKS = ROOT / "docs" / "runbooks"
SETTINGS = {
    "prometheusRule.enabled": "true",
    "ingress.enabled": "true",
    "routing.hosts[0]": "users.example.com",
    "routing.tls.mode": "selfSigned",
}


@pytest.fixture
def groups(render: Render) -> list[Manifest]:
    """The rule groups that the chart renders, every alert among them."""
    rendered: list[Manifest] = find(render(**SETTINGS), "PrometheusRule")["spec"]["groups"]
    return rendered


def _alerts(groups: list[Manifest]) -> dict[str, Manifest]:
    return {rule["alert"]: rule for group in groups for rule in group["rules"] if "alert" in rule}


def test_alerts_fire_when_they_should_and_only_then(groups: list[Manifest], tmp_path: Path) -> None:
    """Promtool finds each alert firing on series of its fault and silent on series of health."""
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump({"groups": groups}))
    cases = yaml.safe_load(RULE_TESTS.read_text())
    (tmp_path / "tests.yaml").write_text(yaml.safe_dump({**cases, "rule_files": ["rules.yaml"]}))
    run("promtool", "check", "rules", "--lint=all", "--lint-fatal", tmp_path / "rules.yaml")
    run("promtool", "test", "rules", tmp_path / "tests.yaml")


def test_each_alert_is_tested_both_ways(groups: list[Manifest]) -> None:
    """Each alert has a case in which it fires and one in which it doesn't."""
    cases = [case for test in yaml.safe_load(RULE_TESTS.read_text())["tests"] for case in test["alert_rule_test"]]
    fires = {case["alertname"] for case in cases if case["exp_alerts"]}
    silent = {case["alertname"] for case in cases if not case["exp_alerts"]}
    assert fires == silent == set(_alerts(groups))


def test_each_alert_has_a_runbook(groups: list[Manifest]) -> None:
    """Each alert's link ends in a page of docs/runbooks, and each page is an alert's."""
    linked = {Path(rule["annotations"]["runbook_url"]).name for rule in _alerts(groups).values()}
    assert linked == {path.name for path in RUNBOOKS.glob("*.md")}


def test_alerts_ask_for_metrics_that_the_service_emits(groups: list[Manifest]) -> None:
    """Each metric of the service named in a rule is one that it registers."""
    create_app(Settings(environment="development"))
    emitted = {sample for metric in REGISTRY.collect() for sample in _names(metric.name, metric.type)}
    asked = set()
    for rule in (rule for group in groups for rule in group["rules"]):
        asked |= set(re.findall(r"\b((?:users_api|http)_[a-z0-9_]+)\b(?!:)", rule["expr"]))
    assert len(asked) >= 3
    assert asked <= emitted


def _names(name: str, kind: str) -> set[str]:
    suffixes = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}
    return {name + suffix for suffix in suffixes.get(kind, ("",))}
