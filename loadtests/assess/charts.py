from collections.abc import Callable, Iterator
from dataclasses import dataclass

from matplotlib.axes import Axes

from loadtests.assess import drawings
from loadtests.assess.assessment import Assessment
from loadtests.assess.limiting import shares
from loadtests.assess.response import Response
from loadtests.assess.svg import svg
from loadtests.assess.throughput import Throughput


@dataclass(frozen=True)
class Chart:
    """A picture for the report: SVG to stand in HTML, and what it shows in words."""

    name: str
    title: str
    description: str
    svg: str


def charts(found: Assessment) -> Iterator[Chart]:
    """Draw what was measured; nothing for what was not."""
    if response := found.response:
        words = _response_words(response)
        yield _chart("response", "Response time of one request", words, lambda axes: drawings.response(axes, response))
    if throughput := found.throughput:
        yield from _throughput_charts(throughput)
    if available := found.availability:
        words = f"{available.failed} of {available.requests:,} requests failed"
        yield _chart(
            "availability", "A rollout and a killed pod", words, lambda axes: drawings.availability(axes, available)
        )
    if scaling := found.scaling:
        words = f"from {scaling.ramp.minimum} to {scaling.peak_ready} replicas, and back"
        yield _chart("scaling", "Replicas follow the load", words, lambda axes: drawings.scaling(axes, scaling))
    if spread := found.spread:
        words = "answers by replica: " + ", ".join(f"{server} {count:,}" for server, count in spread.counts.items())
        yield _chart("spread", "Answers of each replica", words, lambda axes: drawings.spread(axes, spread))
    if limiter := found.limiter:
        words = f"{limiter.accepted:,} of {limiter.offered:,} requests were let through"
        yield _chart("limiter", "One client at twice its limit", words, lambda axes: drawings.limiter(axes, limiter))


def _throughput_charts(found: Throughput) -> Iterator[Chart]:
    hold = found.hold
    words = _throughput_words(found)
    yield _chart("throughput", "p95 at each offered rate", words, lambda axes: drawings.throughput(axes, found))
    words = f"slowest hundredth of each second while {hold.rate:,} requests a second were offered"
    yield _chart("hold", "The held rate, second by second", words, lambda axes: drawings.hold(axes, found))
    words = "by part: " + ", ".join(f"{part} {cores:.2f}" for part, cores in shares(hold.usage))
    yield _chart("cpu", "Cores used meanwhile", words, lambda axes: drawings.cpu(axes, hold.usage))


def _chart(name: str, title: str, words: str, draw: Callable[[Axes], None]) -> Chart:
    return Chart(name, title, words, svg(name, draw))


def _response_words(found: Response) -> str:
    if not found.by_cache:
        return f"share of requests answered within a time: half within {found.cached.p50_ms or 0:.1f} ms"
    return (
        f"share of requests answered within a time: half of the cached within {found.cached.p50_ms or 0:.1f} ms, "
        f"of the uncached within {found.uncached.p50_ms or 0:.1f} ms"
    )


def _throughput_words(found: Throughput) -> str:
    held = [step.rate for step in found.steps if step.held]
    return f"the highest rate held for {found.steps[0].seconds:.0f} s was {max(held, default=0):,} requests a second"
