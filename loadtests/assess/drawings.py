"""What each chart shows, drawn on axes that are given."""

from typing import Literal

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator, NullFormatter

from loadtests.assess.availability import Availability
from loadtests.assess.limiter import Limiter
from loadtests.assess.limiting import shares
from loadtests.assess.response import Response
from loadtests.assess.scaling import Scaling
from loadtests.assess.spread import Spread
from loadtests.assess.svg import INK
from loadtests.assess.throughput import P95_TARGET_MS, Throughput
from loadtests.assess.usage import Usage
from loadtests.colours import BLUE, GREEN, ORANGE, RED


def response(axes: Axes, found: Response) -> None:
    """Share of requests answered within a time, of cached and uncached ones where they tell."""
    first = found.kinds[0][0]
    for times, colour, label in ((found.cached_ms, BLUE, first), (found.uncached_ms, ORANGE, "uncached")):
        if times:
            axes.step(times, [100 * (n + 1) / len(times) for n in range(len(times))], color=colour, label=label)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("ms")
    axes.set_ylabel("% answered")
    axes.set_ylim(0, 101)
    _legend(axes, "lower right")


def throughput(axes: Axes, found: Throughput) -> None:
    """95th percentile at each offered rate."""
    steps = [*found.steps, *found.holds]
    for held, colour, marker, label in ((True, GREEN, "o", "held"), (False, RED, "x", "not held")):
        of = [step for step in steps if step.held is held and step.latency.p95_ms is not None]
        if of:
            axes.scatter(
                [s.rate for s in of], [s.latency.p95_ms or 0 for s in of], c=colour, marker=marker, label=label
            )
    axes.axhline(P95_TARGET_MS, color=INK, linestyle="--", linewidth=1)
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.set_xlim(left=0)
    axes.set_xlabel("requests offered a second")
    axes.set_ylabel("p95, ms (dashed: target)")
    _legend(axes, "upper left")


def hold(axes: Axes, found: Throughput) -> None:
    """99th percentile of each second of the held rate."""
    seconds = [at for at, _, _ in found.by_second]
    axes.plot(seconds, [p99 for _, _, p99 in found.by_second], color=BLUE, label="p99, ms")
    axes.set_ylim(bottom=0)
    axes.set_xlabel("seconds")
    axes.set_ylabel("p99, ms")


def cpu(axes: Axes, found: Usage) -> None:
    """Cores by part, while a rate was held."""
    parts = list(reversed(shares(found)))
    axes.barh([part.partition(" (")[0] for part, _ in parts], [cores for _, cores in parts], color=BLUE)
    axes.set_xlabel(f"cores; {found.host_busy:.2f} of {found.host_cores} busy")


def availability(axes: Axes, found: Availability) -> None:
    """Requests and failures of each second, with what was done to the pods."""
    seconds = [at for at, _, _ in found.by_second]
    axes.plot(seconds, [requests for _, requests, _ in found.by_second], color=BLUE, label="requests/s")
    axes.step(seconds, [failed for _, _, failed in found.by_second], color=RED, label="failed/s")
    for at, what in ((found.rollout_at_s, "rollout"), (found.killed_at_s, "kill")):
        axes.axvline(at, color=INK, linestyle=":", linewidth=1)
        axes.annotate(f" {what}", (at, 0.5), xycoords=("data", "axes fraction"), color=INK)
    axes.set_ylim(bottom=0)
    axes.set_xlabel("seconds")
    _legend(axes, "lower left")


def scaling(axes: Axes, found: Scaling) -> None:
    """Replicas wanted and ready, and the rate that they follow."""
    times = [sample.time_s for sample in found.samples]
    wanted, ready = [sample.desired for sample in found.samples], [sample.ready for sample in found.samples]
    for values, colour, style, label in ((wanted, RED, "--", "wanted"), (ready, GREEN, "-", "ready")):
        axes.step(times, values, where="post", color=colour, linestyle=style, label=label)
    axes.set_xlabel("seconds")
    axes.set_ylabel("replicas")
    axes.set_ylim(0, 1.4 * max(1, found.peak_ready))  # room for the legend
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    rate = axes.twinx()
    rate.plot(times, [_gap(sample.rps) for sample in found.samples], color=BLUE, alpha=0.7, label="requests/s")
    rate.set_ylim(0, 1.4 * max(1, *(sample.rps or 0 for sample in found.samples)))
    rate.spines[["top"]].set_visible(False)
    _legend(axes, "upper left", rate)


def spread(axes: Axes, found: Spread) -> None:
    """Answers of each replica, beside the fair share."""
    names = [server.rpartition("-")[2] for server in found.counts]
    axes.bar(names, list(found.counts.values()), color=BLUE)
    axes.axhline(sum(found.counts.values()) / len(found.counts), color=INK, linestyle="--", linewidth=1)
    axes.set_ylabel("answers (dashed: fair share)")


def limiter(axes: Axes, found: Limiter) -> None:
    """Requests let through, beside the limit."""
    axes.step(found.accepted_at_s, range(1, len(found.accepted_at_s) + 1), color=BLUE, label="let through")
    windows = [number * found.window_seconds for number in range(found.windows + 1)]
    axes.step(
        windows,
        [found.limit * (n + 1) for n in range(found.windows)] + [found.limit * found.windows],
        where="post",
        color=INK,
        linestyle="--",
        linewidth=1,
        label="limit",
    )
    axes.set_xlabel("seconds")
    axes.set_ylabel("requests")
    axes.set_ylim(bottom=0)
    _legend(axes, "lower right")


def _gap(value: float | None) -> float:
    return float("nan") if value is None else value


def _legend(axes: Axes, place: Literal["upper left", "lower left", "lower right"], *others: Axes) -> None:
    drawn = [of.get_legend_handles_labels() for of in (axes, *others)]
    handles = [handle for of, _ in drawn for handle in of]
    labels = [label for _, of in drawn for label in of]
    axes.legend(handles, labels, loc=place, fontsize=8, frameon=False)
