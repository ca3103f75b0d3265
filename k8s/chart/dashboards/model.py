from dataclasses import dataclass
from enum import Enum


class Shape(Enum):
    """How a panel draws its series."""

    LINES = "over time, a line for each series"
    STACK = "over time, one upon the other"
    NUMBER = "the last value, large"
    HEATMAP = "over time, the share of each bucket of a histogram"


@dataclass(frozen=True)
class Query:
    """One PromQL expression; `legend` names its series, by their labels as `{{label}}`."""

    expr: str
    legend: str


@dataclass(frozen=True)
class Panel:
    """A picture that answers one question.

    Attributes:
        purpose: the question, in one line; shown at the panel's corner and in docs/observability.md.
        unit: Grafana's name of the values' unit.
        warn_at: value from which the panel turns orange; None: never.
        alarm_at: likewise red.
        low_is_bad: values below `warn_at` and `alarm_at` are the bad ones.
        if_empty: shown instead of a number that there is none of; empty: Grafana's own words.
    """

    title: str
    purpose: str
    unit: str
    queries: tuple[Query, ...]
    shape: Shape = Shape.LINES
    warn_at: float | None = None
    alarm_at: float | None = None
    low_is_bad: bool = False
    if_empty: str = ""


@dataclass(frozen=True)
class Row:
    """Panels that belong together, under a heading."""

    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True)
class Releases:
    """Where a page finds the releases to choose: in a label of a metric's series, or what `pattern` finds in it."""

    metric: str
    label: str
    pattern: str = ""


# What precedes the names of replica set and pod is the name of the Deployment, by which a release is known.
OF_THE_LIBRARY = Releases("users_api_redis_available", "pod", "/^(.+)-[a-z0-9]+-[a-z0-9]{5}$/")
AUTOSCALED = Releases("kube_horizontalpodautoscaler_info", "scaletargetref_name")
PROMISED = Releases("release:http_error_budget:ratio", "service")


@dataclass(frozen=True)
class Dashboard:
    """A page of rows; `slug` is its file's name and, after `users-api-`, its address in Grafana.

    The chart puts the release's own name for `users-api`, and what its metrics begin with for `users_api_`.
    """

    slug: str
    title: str
    purpose: str
    rows: tuple[Row, ...]
    releases: Releases = OF_THE_LIBRARY

    @property
    def uid(self) -> str:
        """What Grafana's addresses call it."""
        return f"users-api-{self.slug}"

    @property
    def panels(self) -> tuple[Panel, ...]:
        """All panels in their order on the page."""
        return tuple(panel for row in self.rows for panel in row.panels)


def number(  # noqa: PLR0913 - a panel's fields
    title: str,
    purpose: str,
    unit: str,
    expr: str,
    *,
    warn_at: float | None = None,
    alarm_at: float | None = None,
    low_is_bad: bool = False,
    if_empty: str = "",
) -> Panel:
    """Return a panel of one large number."""
    query = Query(expr, title)
    return Panel(
        title, purpose, unit, (query,), Shape.NUMBER, warn_at, alarm_at, low_is_bad=low_is_bad, if_empty=if_empty
    )


def lines(title: str, purpose: str, unit: str, **exprs: str) -> Panel:
    """Return a panel with a line for each expression, named by its keyword with spaces for underscores."""
    return Panel(title, purpose, unit, tuple(Query(expr, name.replace("_", " ")) for name, expr in exprs.items()))


def lines_by(label: str, title: str, purpose: str, unit: str, expr: str) -> Panel:
    """Return a panel with a line for each value of a label."""
    return Panel(title, purpose, unit, (Query(expr, f"{{{{{label}}}}}"),))


def stack_by(label: str, title: str, purpose: str, unit: str, expr: str) -> Panel:
    """Return a panel of the parts of a sum, one for each value of a label."""
    return Panel(title, purpose, unit, (Query(expr, f"{{{{{label}}}}}"),), Shape.STACK)
