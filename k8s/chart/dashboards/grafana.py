"""Dashboards as Grafana's SDK builds them."""

from collections.abc import Callable
from typing import Any

from grafana_foundation_sdk.builders import common, dashboard, heatmap, prometheus, stat, timeseries
from grafana_foundation_sdk.models.common import (
    BigValueColorMode,
    BigValueGraphMode,
    GraphTresholdsStyleMode,
    LegendDisplayMode,
    LegendPlacement,
    SortOrder,
    StackingMode,
    TooltipDisplayMode,
)
from grafana_foundation_sdk.models.dashboard import Dashboard as GrafanaDashboard
from grafana_foundation_sdk.models.dashboard import (
    DashboardCursorSync,
    DashboardLinkType,
    DataSourceRef,
    Threshold,
    ThresholdsMode,
    VariableRefresh,
    VariableSort,
)
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from k8s.chart.dashboards.model import Dashboard, Panel, Query, Releases, Shape

TAG = "users-api"
SOURCE = DataSourceRef(type_val="prometheus", uid="${datasource}")
# Of Grafana's 24 columns.
NUMBER_COLUMNS, NUMBER_ROWS = 6, 4
GRAPH_COLUMNS, GRAPH_ROWS = 8, 8
# Rows are numbered above all panels, whose numbers are in links.
FIRST_ROW = 1001
GREEN, ORANGE, RED = "green", "orange", "red"


def build(page: Dashboard) -> GrafanaDashboard:
    """Return a page as Grafana's model of it."""
    made = (
        dashboard.Dashboard(f"users-api / {page.title}")
        .uid(page.uid)
        .description(page.purpose)
        .tags([TAG])
        .readonly()
        .time("now-1h", "now")
        .refresh("10s")
        .timezone("browser")
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .link(_links())
    )
    for variable in _variables(page.releases):
        made.with_variable(variable)
    number = 0
    for row_number, row in enumerate(page.rows, start=FIRST_ROW):
        made.with_row(dashboard.Row(row.title).id(row_number))
        for panel in row.panels:
            number += 1
            made.with_panel(_panel(panel).id(number))
    return made.build()


def _links() -> dashboard.DashboardLink:
    """Return the way to the other pages, which keeps time and variables."""
    return (
        dashboard.DashboardLink("users-api")
        .type(DashboardLinkType.DASHBOARDS)
        .tags([TAG])
        .include_vars(include_vars=True)
        .keep_time(keep_time=True)
    )


def _variables(of: Releases) -> tuple[dashboard.DatasourceVariable | dashboard.QueryVariable, ...]:
    release = _query_variable("release", "Release", f'label_values({of.metric}{{namespace="$namespace"}}, {of.label})')
    return (
        dashboard.DatasourceVariable("datasource").label("Data source").type("prometheus"),
        _query_variable("namespace", "Namespace", f"label_values({of.metric}, namespace)"),
        release.regex(of.pattern) if of.pattern else release,
    )


def _query_variable(name: str, label: str, query: str) -> dashboard.QueryVariable:
    return (
        dashboard.QueryVariable(name)
        .label(label)
        .datasource(SOURCE)
        .query(query)
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(VariableSort.ALPHABETICAL_ASC)
    )


def _panel(panel: Panel) -> Any:  # noqa: ANN401 - the SDK's builders share methods but no class
    drawn = _SHAPES[panel.shape](panel)
    drawn.title(panel.title).description(panel.purpose).datasource(SOURCE)
    for number, query in enumerate(panel.queries):
        drawn.with_target(_target(query, panel.shape).ref_id(chr(ord("A") + number)))
    return drawn


def _target(query: Query, shape: Shape) -> prometheus.Dataquery:
    target = prometheus.Dataquery().expr(query.expr).legend_format(query.legend).datasource(SOURCE)
    if shape is Shape.NUMBER:
        return target.instant()
    if shape is Shape.HEATMAP:
        return target.range().format(PromQueryFormat.HEATMAP)
    return target.range().exemplar(exemplar="_bucket" in query.expr)


def _number(panel: Panel) -> stat.Panel:
    drawn = (
        stat.Panel()
        .span(NUMBER_COLUMNS)
        .height(NUMBER_ROWS)
        .unit(panel.unit)
        .color_mode(BigValueColorMode.VALUE)
        .graph_mode(BigValueGraphMode.NONE)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
        .thresholds(_thresholds(panel))
    )
    return drawn.no_value(panel.if_empty) if panel.if_empty else drawn


def _lines(panel: Panel) -> timeseries.Panel:
    drawn = (
        timeseries.Panel()
        .span(GRAPH_COLUMNS)
        .height(GRAPH_ROWS)
        .unit(panel.unit)
        .axis_soft_min(0)
        .line_width(1)
        .fill_opacity(5)
        .legend(
            common.VizLegendOptions()
            .display_mode(LegendDisplayMode.LIST)
            .placement(LegendPlacement.BOTTOM)
            .show_legend(show_legend=True)
        )
        .tooltip(common.VizTooltipOptions().mode(TooltipDisplayMode.MULTI).sort(SortOrder.DESCENDING))
    )
    if panel.alarm_at is not None:
        drawn.thresholds(_thresholds(panel)).thresholds_style(
            common.GraphThresholdsStyleConfig().mode(GraphTresholdsStyleMode.DASHED)
        )
    return drawn


def _stack(panel: Panel) -> timeseries.Panel:
    return _lines(panel).fill_opacity(40).stacking(common.StackingConfig().mode(StackingMode.NORMAL))


def _heatmap(panel: Panel) -> heatmap.Panel:
    return (
        heatmap.Panel()
        .span(GRAPH_COLUMNS)
        .height(GRAPH_ROWS)
        .calculate(calculate=False)
        .y_axis(heatmap.YAxisConfig().unit(panel.unit))
    )


def _thresholds(panel: Panel) -> dashboard.ThresholdsConfig:
    """Return the colours of a panel's values, from the lowest up."""
    warn, alarm = panel.warn_at, panel.alarm_at
    if panel.low_is_bad:
        steps = [(None, RED), (alarm, ORANGE), (warn, GREEN)]
    else:
        steps = [(None, GREEN), (warn, ORANGE), (alarm, RED)]
    first, *others = steps
    used = [first, *(step for step in others if step[0] is not None)]
    made = [Threshold(value=value, color=color) for value, color in used]
    return dashboard.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(made)


_SHAPES: dict[Shape, Callable[[Panel], Any]] = {
    Shape.LINES: _lines,
    Shape.STACK: _stack,
    Shape.NUMBER: _number,
    Shape.HEATMAP: _heatmap,
}
