"""Whether the promises are kept, from the series that the chart's PrometheusRule records."""

from k8s.chart.dashboards.model import PROMISED, Dashboard, Panel, Query, Row, Shape, lines, number
from k8s.chart.dashboards.promql import NAMESPACE

RELEASE = NAMESPACE + ',service="$release"'
MONTH = "30d"


def _recorded(name: str) -> str:
    return f"release:{name}{{{RELEASE}}}"


def _burn(promise: str, window: str) -> str:
    """Return how many times as fast as the promise allows its budget is spent, over a window."""
    return f"sum({_recorded(f'{promise}_ratio:rate{window}')}) / sum({_recorded(f'{promise}_budget:ratio')})"


def _left(promise: str) -> str:
    """Return the share of a month's budget that is left; below 0 when more was spent than there was."""
    spent = f"sum(sum_over_time({_recorded(f'{promise}:rate5m')}[{MONTH}]))"
    requests = f"sum(sum_over_time({_recorded('http_requests:rate5m')}[{MONTH}]))"
    return f"1 - {spent} / {requests} / sum({_recorded(f'{promise}_budget:ratio')})"


def _burn_panel(promise: str, long: str, short: str, factor: float, consequence: str) -> Panel:
    what = {"http_error": "Errors", "http_slow": "Slow answers"}[promise]
    return Panel(
        f"{what} over {long} and {short}",
        f"{consequence} when both lines are above {factor:g}.",
        "short",
        (Query(_burn(promise, long), long), Query(_burn(promise, short), short)),
        Shape.LINES,
        alarm_at=factor,
    )


def _burns(promise: str, title: str) -> Row:
    # Windows and factors of Google's SRE workbook, chapter 5, as in the PrometheusRule.
    return Row(
        title,
        (
            _burn_panel(promise, "1h", "5m", 14.4, "Somebody is called"),
            _burn_panel(promise, "6h", "30m", 6, "Somebody is called"),
            _burn_panel(promise, "1d", "2h", 3, "A ticket is made"),
            _burn_panel(promise, "3d", "6h", 1, "A ticket is made"),
        ),
    )


AT_A_GLANCE = Row(
    "At a glance",
    (
        number(
            "Error budget left",
            "Of the failures that a month may have: at 0 the promise is broken.",
            "percentunit",
            _left("http_error"),
            warn_at=0.5,
            alarm_at=0,
            low_is_bad=True,
        ),
        number(
            "Latency budget left",
            "Of the slow answers that a month may have.",
            "percentunit",
            _left("http_slow"),
            warn_at=0.5,
            alarm_at=0,
            low_is_bad=True,
        ),
        number(
            "Errors burn",
            "Speed at which the error budget goes, over an hour; 1 lasts just the month.",
            "short",
            _burn("http_error", "1h"),
            warn_at=1,
            alarm_at=14.4,
        ),
        number(
            "Alerts firing",
            "Alerts of this release that fire now.",
            "short",
            f'count(ALERTS{{{RELEASE},alertstate="firing"}}) or vector(0)',
            warn_at=1,
            alarm_at=1,
        ),
    ),
)

PROMISES = Row(
    "What was promised",
    (
        lines(
            "Failed",
            "Share of requests with a 5xx over an hour, beside what the promise allows.",
            "percentunit",
            failed=f"sum({_recorded('http_error_ratio:rate1h')})",
            allowed=f"sum({_recorded('http_error_budget:ratio')})",
        ),
        lines(
            "Slow",
            "Share of requests answered later than promised over an hour, beside what is allowed.",
            "percentunit",
            slow=f"sum({_recorded('http_slow_ratio:rate1h')})",
            allowed=f"sum({_recorded('http_slow_budget:ratio')})",
        ),
        lines(
            "Requests counted",
            "What both shares are of.",
            "reqps",
            all=f"sum({_recorded('http_requests:rate5m')})",
            failed=f"sum({_recorded('http_error:rate5m')})",
            slow=f"sum({_recorded('http_slow:rate5m')})",
        ),
    ),
)

DASHBOARD = Dashboard(
    "slo",
    "SLO",
    "What is promised of errors and latency, what is left of it, and how fast it goes.",
    (AT_A_GLANCE, PROMISES, _burns("http_error", "Error budget"), _burns("http_slow", "Latency budget")),
    PROMISED,
)
