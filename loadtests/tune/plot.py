from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from loadtests.colours import BLUE, GREEN, ORANGE, RED
from loadtests.simulate.scenarios import HOUR
from loadtests.tune.cost import day, replicas_of
from loadtests.tune.tuning import Tuning

STEP_SECONDS = 60


def draw(tuning: Tuning, path: Path) -> None:
    """Draw p95 over the rate of each step, and the replicas of a day with the values."""
    figure = Figure(figsize=(11, 4), layout="constrained")
    steps, replicas = figure.subplots(1, 2)
    _steps(steps, tuning)
    _day(replicas, tuning)
    figure.savefig(path, dpi=100)


def _steps(axes: Axes, tuning: Tuning) -> None:
    for held, colour, marker, label in ((True, GREEN, "o", "held"), (False, RED, "x", "not held")):
        of_it = [step for step in tuning.steps if step.held == held]
        rates, times = [step.rate for step in of_it], [step.p95_ms for step in of_it]
        axes.scatter(rates, times, color=colour, marker=marker, label=label, zorder=3)
    axes.axhline(tuning.p95_target_ms, color="black", linestyle=":", label=f"p95 target {tuning.p95_target_ms:g} ms")
    axes.axvline(tuning.capacity.rate, color=BLUE, label=f"capacity {tuning.capacity.rate:,.1f}")
    axes.axvline(tuning.target, color=ORANGE, label=f"target {tuning.target:g}")
    axes.set_yscale("log")
    axes.set_title("what one replica holds", fontsize=10)
    axes.set_xlabel("requests/s a replica")
    axes.set_ylabel("p95, ms")
    axes.set_xlim(left=0)
    axes.legend(fontsize="small")
    axes.grid(visible=True, alpha=0.3)


def _day(axes: Axes, tuning: Tuning) -> None:
    rates = day(tuning.stated.low, tuning.stated.peak)[::STEP_SECONDS]
    hours = [place * STEP_SECONDS / HOUR for place in range(len(rates))]
    counts = [replicas_of(rate, tuning.target, *tuning.bounds) for rate in rates]
    axes.step(hours, counts, where="post", color=GREEN)
    axes.fill_between(hours, [rate / tuning.capacity.rate for rate in rates], color="#dddddd")
    axes.set_title(f"replicas of a day: {tuning.pod_hours:,.1f} pod-hours (grey: at capacity)", fontsize=10)
    axes.set_xlabel("hours")
    axes.set_ylim(bottom=0)
    axes.margins(x=0)
    axes.grid(visible=True, alpha=0.3)
