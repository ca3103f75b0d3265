from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from loadtests.colours import BLUE, COLOURS, GREEN, RED
from loadtests.simulate.account import Outcome, ready_pods
from loadtests.simulate.comparison import Comparison
from loadtests.simulate.record import Record
from loadtests.simulate.scale import Scale
from loadtests.simulate.scenarios import Scenario, Slice

# Drawn over time: one more line and none can be followed.
DRAWN = ("kubernetes", "chart", "conservative", "aggressive")


# What is less is nothing, on the axis of requests over capacity.
LEAST_SHARE_PERCENT = 0.2


def draw(record: Record, path: Path) -> None:
    """Draw each scenario as pods over time beside what every setting cost and missed, and the scale run below."""
    mpl.rcParams["svg.hashsalt"] = "users-api"
    compared = record.comparison
    rows = len(compared.scenarios) + (record.scale is not None)
    figure = Figure(figsize=(11, 3.1 * rows), layout="constrained")
    panels = figure.subplots(rows, 2, width_ratios=(1.7, 1), squeeze=False)
    for (time_panel, cost_panel), scenario in zip(panels, compared.scenarios, strict=False):
        _over_time(time_panel, compared, scenario)
        _costs(cost_panel, compared, compared.outcomes[scenario.name], record.fronts[scenario.name])
    if record.scale:
        _growth(panels[-1][0], record.scale)
        _usage(panels[-1][1], record.scale)
    named = [
        Patch(color=colour, label=setting.title) for setting, colour in zip(compared.settings, COLOURS, strict=False)
    ]
    figure.legend(handles=named, loc="outside upper center", ncols=5, fontsize="small")
    figure.savefig(path, dpi=90)


def _over_time(axes: Axes, compared: Comparison, scenario: Scenario) -> None:
    slices = scenario.slices[:1] if scenario.is_repeated else scenario.slices
    unit = 3600 if len(slices) > 1 else 60
    for each in slices:
        needed = [each.rates[second] / compared.model.capacity_rps for second in each.counted]
        axes.fill_between(_times(each, unit), needed, color="#dddddd")
    for setting, colour in zip(compared.settings, COLOURS, strict=False):
        if setting.name not in DRAWN:
            continue
        for app, each in zip(compared.apps[scenario.name, setting.name], slices, strict=False):
            ready = ready_pods(app.pods.values(), each.counted.stop)[each.lead_in_s :]
            axes.plot(_times(each, unit), ready, color=colour, linewidth=1.1)
    axes.set_title(f"{scenario.title}: pods ready, and needed (grey)", fontsize=10)
    axes.set_xlabel("hours" if unit > 60 else "minutes", fontsize=9)  # noqa: PLR2004 - seconds of a minute
    axes.set_ylim(bottom=0)
    axes.margins(x=0)
    axes.grid(visible=True, alpha=0.3)


def _times(part: Slice, unit: int) -> list[float]:
    return [(part.starts_at_s + second) / unit for second in range(len(part.counted))]


def _costs(axes: Axes, compared: Comparison, outcomes: Mapping[str, Outcome], best: Sequence[str]) -> None:
    for setting, colour in zip(compared.settings, COLOURS, strict=False):
        mine = outcomes[setting.name]
        marker = "o" if setting.name in best else "x"
        axes.scatter(mine.pod_hours, 100 * mine.share_over, color=colour, marker=marker, s=45, zorder=3)
    axes.set_title("o: no other is better in all", fontsize=10)
    axes.set_xlabel("pod-hours", fontsize=9)
    axes.set_ylabel("requests over capacity, %", fontsize=9)
    axes.margins(x=0.15, y=0.15)
    low, high = axes.get_ylim()
    axes.set_ylim(min(0, low), max(high, LEAST_SHARE_PERCENT))
    axes.grid(visible=True, alpha=0.3)


def _growth(axes: Axes, scale: Scale) -> None:
    seconds = [moment.second for moment in scale.moments]
    axes.step(seconds, [moment.wanted for moment in scale.moments], where="post", color=RED, label="wanted")
    axes.plot(seconds, [moment.ready for moment in scale.moments], color=GREEN, label="ready")
    axes.set_title(f"{scale.nodes:,} nodes, in real time: pods since the step", fontsize=10)
    axes.set_xlabel("seconds", fontsize=9)
    axes.set_ylim(bottom=0)
    axes.legend(fontsize="x-small", loc="upper left")
    axes.grid(visible=True, alpha=0.3)


def _usage(axes: Axes, scale: Scale) -> None:
    names = list(scale.usage)
    axes.barh(names, [used.cpu_seconds for used in scale.usage.values()], color=BLUE)
    for row, used in enumerate(scale.usage.values()):
        axes.annotate(f" {used.peak_rss_bytes / 2**20:,.0f} MiB", (used.cpu_seconds, row), va="center", fontsize=8)
    axes.margins(x=0.3)
    axes.set_title("CPU seconds of the run, and most memory", fontsize=10)
