import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from grafana_foundation_sdk.models import units
from prometheus_client.parser import text_string_to_metric_families

from k8s.chart.dashboards import ingress, postgresql
from k8s.chart.dashboards.files import DASHBOARDS
from k8s.chart.dashboards.model import Dashboard
from k8s.ingress.controllers import INGRESS_NGINX
from service.database import Query, server
from service.users import queries
from tests.chart.conftest import CHART, ROOT, Manifest, Render, find, run
from tests.promql import metric_names, substituted
from tests.service_process import ServiceProcess

# A cluster's Prometheus told them: the end-to-end test of the dashboards writes them and says when they are outdated.
RECORDED = Path(__file__).parent / "metric-names"
# kubectl apply keeps the whole object in an annotation, and an annotation may have so many bytes.
LARGEST_APPLICABLE_BYTES = 262_144
SUFFIXES = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count"), "summary": ("", "_sum", "_count")}
EVERY_RULE = {
    "prometheusRule.enabled": "true",
    "postgresql.pooler.enabled": "true",
    "ingress.enabled": "true",
    "routing.hosts[0]": "users.example.com",
}
pages = pytest.mark.parametrize("page", DASHBOARDS, ids=lambda page: page.slug)


@pytest.fixture(scope="module")
def of_the_service(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """Names of the series that the real service shows on /metrics after its first request."""
    with ServiceProcess(tmp_path_factory.mktemp("service") / "log", environment="development") as service:
        assert service.get("/api/users/1", authorization="Bearer test-token")[0] == 200
        shown = service.get("/metrics")[2].decode()
    return {
        family.name + suffix
        for family in text_string_to_metric_families(shown)
        for suffix in SUFFIXES.get(family.type, ("",))
    }


@pytest.fixture(scope="module")
def of_others() -> set[str]:
    """Names of the series of Redis' exporter, kube-state-metrics, cAdvisor and the Ingress controllers."""
    return {name for path in RECORDED.glob("*.txt") for name in _lines(path)}


def _lines(path: Path) -> list[str]:
    return [line for line in path.read_text().splitlines() if not line.startswith("#")]


def _rules(render: Render) -> Iterator[Manifest]:
    """Every rule of the chart, with either way to tell of a certificate."""
    for mode in ("selfSigned", "generated"):
        manifest = find(render(**EVERY_RULE, **{"routing.tls.mode": mode}), "PrometheusRule")
        yield from (rule for group in manifest["spec"]["groups"] for rule in group["rules"])


def test_files_are_what_the_generator_writes() -> None:
    """chart/dashboards and the tables of docs/observability.md are up to date with the generator."""
    run(sys.executable, "-m", "k8s.chart.dashboards", "--check")


def test_a_changed_file_is_told(tmp_path: Path) -> None:
    """The check fails on a file that was edited by hand, and names it and the remedy."""
    for name in ("k8s/chart/dashboards", "k8s/client", "k8s/ingress", "chart/dashboards", "docs/observability.md"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        run("cp", "-r", ROOT / name, tmp_path / name)
    edited = tmp_path / "chart" / "dashboards" / "redis.json"
    edited.write_text(edited.read_text().replace("Redis", "redis"))
    (tmp_path / "chart" / "dashboards" / "leftover.json").write_text("{}")
    done = run("env", "-C", tmp_path, sys.executable, "-m", "k8s.chart.dashboards", "--check", check=False)
    assert done.returncode == 1
    told = [line.removeprefix("error: chart/dashboards/").split()[0] for line in done.stderr.splitlines()]
    assert told == ["leftover.json", "redis.json"]
    assert "make generate" in done.stderr


@pages
def test_each_query_is_promql(page: Dashboard, tmp_path: Path) -> None:
    """Promtool reads each panel's query, its variables filled in."""
    exprs = [substituted(query.expr) for panel in page.panels for query in panel.queries]
    rules = [{"record": f"panel:{number}", "expr": expr} for number, expr in enumerate(exprs)]
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump({"groups": [{"name": page.slug, "rules": rules}]}))
    assert exprs
    assert not [expr for expr in exprs if "$" in expr]
    run("promtool", "check", "rules", tmp_path / "rules.yaml")


@pages
def test_each_panel_says_what_it_is_for(page: Dashboard) -> None:
    """Each panel has a title of its own, one line on its purpose, and a unit that Grafana knows."""
    known = {value for value in vars(units).values() if isinstance(value, str)}
    titles = [panel.title for panel in page.panels]
    assert len(set(titles)) == len(titles) >= 8
    for panel in page.panels:
        assert panel.purpose.endswith((".", "?")), panel.title
        assert "\n" not in panel.purpose, panel.title
        assert panel.unit in known, panel.title


@pages
def test_each_file_can_be_provisioned(page: Dashboard) -> None:
    """Each file asks for data source, namespace and release, and numbers its panels, each on a place of its own."""
    made = json.loads((CHART / "dashboards" / f"{page.slug}.json").read_text())
    assert [variable["name"] for variable in made["templating"]["list"]] == ["datasource", "namespace", "release"]
    panels = [panel for panel in made["panels"] if panel["type"] != "row"]
    assert [panel["id"] for panel in panels] == list(range(1, len(page.panels) + 1))
    assert {panel["datasource"]["uid"] for panel in panels} == {"${datasource}"}
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in made["panels"]]
    assert len(set(places)) == len(places)


@pytest.mark.parametrize(
    "labels",
    [
        'namespace="ingress-nginx",exported_namespace="users-api",host="users.example.com"',
        'namespace="users-api",host="users.example.com"',
        'namespace="ingress-nginx",exported_namespace="users-api"',
        'namespace="users-api",exported_namespace="users-api"',
    ],
)
def test_requests_are_found_however_the_controller_is_scraped(tmp_path: Path, labels: str) -> None:
    """With labels honoured or not, per host or not: those of the release, once, and no other namespace's."""
    page = ingress.dashboard(INGRESS_NGINX)
    (query,) = next(panel for panel in page.panels if panel.title == "Requests").queries
    other = 'namespace="users-api",exported_namespace="other"'
    series = [
        {"series": f'nginx_ingress_controller_requests{{ingress="users-api",{of}}}', "values": "0+15x40"}
        for of in (labels, other)
    ]
    found = {
        "expr": f"round({substituted(query.expr)}, 0.1)",
        "eval_time": "5m",
        "exp_samples": [{"labels": "{}", "value": 1}],
    }
    case = {"interval": "15s", "input_series": series, "promql_expr_test": [found]}
    (tmp_path / "test.yaml").write_text(yaml.safe_dump({"evaluation_interval": "15s", "tests": [case]}))
    run("promtool", "test", "rules", tmp_path / "test.yaml")


def test_an_empty_dashboard_says_why() -> None:
    """Where ingress-nginx counts nothing, as for an Ingress without hosts, the first number names the option to set."""
    page = json.loads((CHART / "dashboards" / "ingress-nginx.json").read_text())
    first = next(panel for panel in page["panels"] if panel["title"] == "Requests")
    assert "--metrics-per-host=false" in first["fieldConfig"]["defaults"]["noValue"]
    assert "--metrics-per-host=false" in page["description"]


def test_addresses_are_their_own() -> None:
    """No two dashboards have one address in Grafana, whose limit is 40 characters."""
    addresses = [page.uid for page in DASHBOARDS]
    assert len(set(addresses)) == len(addresses) == len(list((CHART / "dashboards").glob("*.json")))
    assert max(map(len, addresses)) <= 40


def test_panels_and_alerts_ask_for_what_there_is(render: Render, of_the_service: set[str], of_others: set[str]) -> None:
    """Each metric that a panel or a rule names is one that the service, an exporter or a rule of the chart brings."""
    rules = list(_rules(render))
    asked = {
        name
        for expr in [
            *(rule["expr"] for rule in rules),
            *(query.expr for page in DASHBOARDS for panel in page.panels for query in panel.queries),
        ]
        for name in metric_names(expr)
    }
    recorded = {rule["record"] for rule in rules if "record" in rule}
    assert len(asked & of_the_service) > 20
    assert len(asked & of_others) > 30
    assert asked - of_the_service - of_others - recorded == {"up", "ALERTS"}


def test_statements_of_requests_are_known_by_their_names(render: Render) -> None:
    """Panels and alerts on statements mean all those on users and keys, and none by which a server is watched."""
    asked = [rule["expr"] for rule in _rules(render)]
    asked += [query.expr for panel in postgresql.DASHBOARD.panels for query in panel.queries]
    (pattern,) = {found for expr in asked for found in re.findall(r'query=~"([^"]+)"', expr)}
    of_requests = {query.name for query in vars(queries).values() if isinstance(query, Query)}
    assert len(of_requests) > 8
    assert {name for name in of_requests if not re.fullmatch(pattern, name)} == set()
    of_the_service = {query.name for query in vars(server).values() if isinstance(query, Query)}
    assert {name for name in of_the_service if re.fullmatch(pattern, name)} == set() != of_the_service


def test_each_config_map_can_be_applied(render: Render) -> None:
    """There is a ConfigMap for each dashboard, labelled for Grafana's sidecar and small enough for kubectl apply."""
    made = render(**{"dashboards.enabled": "true", "extraEnvFrom[0].secretRef.name": "database"})
    for page in DASHBOARDS:
        manifest = find(made, "ConfigMap", f"users-api-dashboard-{page.slug}")
        assert manifest["metadata"]["labels"]["grafana_dashboard"] == "1"
        assert json.loads(manifest["data"][f"{page.slug}.json"])["uid"] == page.uid
        assert len(json.dumps(manifest)) < LARGEST_APPLICABLE_BYTES


def test_runbooks_name_panels_that_there_are() -> None:
    """Each dashboard and panel that a runbook sends its reader to exists."""
    titles = {page.title.partition(" (")[0] for page in DASHBOARDS}
    titles |= {panel.title for page in DASHBOARDS for panel in page.panels}
    runbooks = sorted((ROOT / "docs" / "runbooks").glob("*.md"))
    named = {name for path in runbooks for name in re.findall(r"(?<!\*)\*([^*\n]+)\*(?!\*)", path.read_text())}
    assert len(named) > 10
    assert named <= titles
