import math
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
import yaml

from k8s.chart.dashboards.files import DASHBOARDS
from k8s.chart.dashboards.model import Dashboard, Panel
from k8s.client.prometheus import Prometheus
from k8s.client.waiting import wait_until
from k8s.ingress.controllers import CONTROLLERS
from loadtests.measure import Request, Stage, open_load
from tests.e2e.cluster import EVIDENCE
from tests.e2e.controller import controller
from tests.e2e.load import BASE_URL
from tests.e2e.release import NAME, Release, helm
from tests.promql import expanded, substituted

pytestmark = pytest.mark.e2e

# A Redis that has just started has its first key to expire after 96 s, and a rate needs two looks after that.
SEEN_WITHIN_SECONDS = 240
# A client that is soon above its limit.
HASTY_TOKEN = "hasty-token"
CHANGES: dict[str, Any] = {
    "auth": {
        "staticTokens": [
            {"token": HASTY_TOKEN, "subject": "hasty", "scopes": ["users:read"]},
            {"token": "test-token", "subject": "test", "scopes": ["users:read", "users:write"]},
        ]
    },
    "config": {"rateLimit": {"overrides": [{"subject": "hasty", "requests": 60, "window_seconds": 60}]}},
}
# Something of all that a panel is about.
MIX = (
    Request(name="read", weight=60),
    Request("/api/users", weight=2, name="list"),
    Request(method="PATCH", body={"name": "Ada"}, weight=8, name="change"),
    Request("/api/users/1", token=HASTY_TOKEN, weight=20, name="read too often"),
    Request(token="nobody", weight=4, name="read as nobody"),
    Request("/api/faults/status/500", weight=4, name="fail"),
    Request("/api/faults/sleep?milliseconds=150", weight=2, name="take long"),
)
LOAD = (Stage(rate=60, seconds=2 * SEEN_WITHIN_SECONDS),)
# What these show in good health, and with a Redis that is well, is 0.
IDLE_IN_HEALTH = {
    ("autoscaling", "Replicas missing"),
    ("autoscaling", "Restarts in an hour"),
    ("autoscaling", "Out of memory"),
    ("cache-and-limiter", "Decided without Redis"),
    ("cache-and-limiter", "Decided without Redis, by replica"),
    ("cache-and-limiter", "Background refreshes"),
    ("cache-and-limiter", "Entries dropped"),
    ("cache-and-limiter", "Loads repeated"),
    ("cache-and-limiter", "Errors of the second tier"),
    ("service", "Tasks started again in five minutes"),
    ("service", "Failed jobs in five minutes"),
    ("redis", "Failures"),
    ("redis", "Second tries"),
    ("redis", "Keys gone"),
    ("redis", "Breaker changes in five minutes"),
    ("redis", "Connections refused"),
    ("postgresql", "Turned away"),
    ("postgresql", "Turned away by why"),
    ("postgresql", "Failures by statement"),
    ("postgresql", "Failures by reason"),
    ("postgresql", "Second tries of statements"),
    ("postgresql", "Requests that wait"),
    ("postgresql", "Time waited for a connection"),
    ("postgresql", "Share that waits"),
    ("postgresql", "Changes of breakers in five minutes"),
    ("postgresql", "Left alone for a second"),
    ("postgresql", "Clients of PgBouncer"),  # there is none here
    ("postgresql", "PgBouncer's connections to the primary"),
    ("postgresql", "Longest wait at PgBouncer"),
    ("postgresql", "Oldest transaction"),
    ("postgresql", "Whole tables read a second"),
    ("postgresql", "Log that a replica lacks"),
    ("postgresql", "Deadlocks and spills in five minutes"),
    ("ingress-traefik", "Configurations taken"),
    ("ingress-nginx", "Configurations taken"),
    ("ingress-contour", "Configurations taken"),
    ("slo", "Alerts firing"),
    ("slo", "Error budget left"),
    ("slo", "Latency budget left"),
}
RULE = "templates/monitoring/prometheusrule.yaml"
SOURCES = {
    "kube-state-metrics": "kube_",
    "postgres-exporter": "pg_",
    "redis-exporter": "redis_",
    "cadvisor": "container_",
}


@pytest.fixture
def configured(installed: Release, with_database: dict[str, Any]) -> Release:
    """Give one client a limit that it will meet."""
    installed.configure(with_database, CHANGES)
    return installed


@pytest.fixture
def pages() -> list[Dashboard]:
    """All dashboards but those of what this cluster does not have: one controller serves the Ingress."""
    absent = {one.dashboard for one in CONTROLLERS if one is not controller()}
    return [page for page in DASHBOARDS if page.slug not in absent]


@pytest.fixture(scope="module")
def records() -> dict[str, str]:
    """What the chart's PrometheusRule records, by the names of the series."""
    rendered = helm("template", NAME, "chart", "--set", "prometheusRule.enabled=true", "--show-only", RULE)
    groups = yaml.safe_load(rendered)["spec"]["groups"]
    return {rule["record"]: rule["expr"] for group in groups for rule in group["rules"] if "record" in rule}


def _shown(prometheus: Prometheus, panel: Panel, records: Mapping[str, str]) -> list[float] | None:
    """The panel's numbers now; None where a query of its brings none."""
    numbers: list[float] = []
    for query in panel.queries:
        expr = expanded(substituted(query.expr), records)
        found = [sample.value for sample in prometheus.query(expr) if not math.isnan(sample.value)]
        if not found:
            return None
        numbers += found
    return numbers


def _repeat_a_request(http: httpx.Client) -> None:
    """Create a user, twice by the same key."""
    key = str(uuid4())
    user = {"name": "Grace", "email": f"{key}@example.com"}
    answers = [http.post("/api/users", json=user, headers={"idempotency-key": key}) for _ in range(2)]
    assert answers[0].status_code == HTTPStatus.CREATED


@pytest.mark.usefixtures("configured")
def test_every_panel_shows_something_under_load(
    prometheus: Prometheus, pages: list[Dashboard], records: dict[str, str], http: httpx.Client, tmp_path: Path
) -> None:
    """Each query of each panel brings data, and more than zeros where there is something to count."""
    blank = {(page.slug, panel.title): panel for page in pages for panel in page.panels}

    def still_blank() -> Iterable[tuple[str, str]]:
        _repeat_a_request(http)
        for name, panel in list(blank.items()):
            numbers = _shown(prometheus, panel, records)
            if numbers is not None and (name in IDLE_IN_HEALTH or any(numbers)):
                del blank[name]
        return list(blank)

    assert {(page.slug, panel.title) for page in DASHBOARDS for panel in page.panels} >= IDLE_IN_HEALTH
    with open_load(tmp_path, LOAD, requests=MIX, environment={"BASE_URL": BASE_URL}):
        wait_until(still_blank, lambda names: not names, SEEN_WITHIN_SECONDS, "panels that show nothing")
    _keep_names(prometheus)


def _keep_names(prometheus: Prometheus) -> None:
    """Keep what there is to ask for beside the service's own, to be compared with tests/chart/metric-names."""
    folder = EVIDENCE / "metric-names"
    folder.mkdir(parents=True, exist_ok=True)
    for source, prefix in {**SOURCES, controller().app: controller().metrics}.items():
        found = prometheus.query(f'count by (__name__) ({{__name__=~"{prefix}.+"}})')
        names = sorted(sample.labels["__name__"] for sample in found)
        (folder / f"{source}.txt").write_text("".join(f"{name}\n" for name in names))
