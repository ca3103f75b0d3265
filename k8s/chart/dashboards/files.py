"""What the generator writes: a file for each dashboard, and the table of all panels in docs/observability.md."""

import json
from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from k8s.chart.dashboards import autoscaling, cache_and_limiter, grafana, ingress, postgresql, redis, service, slo
from k8s.chart.dashboards.model import Dashboard

DASHBOARDS: tuple[Dashboard, ...] = (
    service.DASHBOARD,
    slo.DASHBOARD,
    autoscaling.DASHBOARD,
    cache_and_limiter.DASHBOARD,
    redis.DASHBOARD,
    postgresql.DASHBOARD,
    *ingress.DASHBOARDS,
)
BEGIN = "<!-- Written by make generate. -->\n"
END = "<!-- End of what make generate writes. -->"


def generated(root: Path) -> dict[Path, str]:
    """Return the text of each generated file by its path in the checkout at `root`."""
    files = {root / "chart" / "dashboards" / f"{page.slug}.json": to_json(page) for page in DASHBOARDS}
    docs = root / "docs" / "observability.md"
    before, _, rest = docs.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    return files | {docs: f"{before}{BEGIN}\n{_tables()}\n{END}{after}"}


def to_json(page: Dashboard) -> str:
    """Return a dashboard as Grafana reads it."""
    return json.dumps(grafana.build(page), cls=JSONEncoder, indent=1, sort_keys=True) + "\n"


def _tables() -> str:
    return "\n".join(_table(page) for page in DASHBOARDS)


def _table(page: Dashboard) -> str:
    rows = [f"| {row.title} | {panel.title} | {panel.purpose} |" for row in page.rows for panel in row.panels]
    head = [f"### {page.title}", "", page.purpose, "", "| | Panel | What for |", "| --- | --- | --- |"]
    return "\n".join([*head, *rows, ""])
