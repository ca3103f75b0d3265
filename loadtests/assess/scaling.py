from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from loadtests.assess.installation import Installation
from loadtests.timeline import Sample, timeline

# As loadtests/k6/ramp.js has it: a tenth of the peak, and how long before it rises.
START_SHARE = 10
BASE_SECONDS = 15


@dataclass(frozen=True)
class Scaling:
    """How the replicas followed a load of ten times as much, and came back; None: they did not."""

    minimum: int
    peak_rate: int
    peak_ready: int
    failed: int
    wanted_seconds: float | None
    """From the rise of the load until more than the minimum was wanted."""
    ready_seconds: float | None
    """... until the first further replica was ready."""
    peak_seconds: float | None
    """... until the most replicas were ready."""
    back_seconds: float | None
    """From the end of the load until the minimum was ready again."""
    reason: str = ""
    """Why the ramp itself counts as failed, if it does."""
    samples: Sequence[Sample] = ()


def measure_scaling(installation: Installation, folder: Path, users: int) -> Scaling:
    """Ramp the load as `make timeline` does, at a rate that asks this autoscaler for a good three times its minimum.

    Raises:
        LoadTestError: nothing was recorded.
        ClusterError: there was nothing to observe.
    """
    minimum = installation.release.autoscaler().minimum
    peak = installation.peak_rate()
    variables = {"RATE_START": str(max(1, peak // START_SHARE)), "RATE_PEAK": str(peak)}
    variables["BASE_SECONDS"] = str(BASE_SECONDS)
    environment = installation.environment(users=users, **variables)
    found = timeline(installation.release, installation.prometheus, environment, folder, installation.application)
    return reactions(found.samples, minimum, peak, "; ".join(found.reasons))


def reactions(samples: Sequence[Sample], minimum: int, peak_rate: int, reason: str = "") -> Scaling:
    """Tell the times of each reaction; what comes before the rise is none."""
    risen = [sample for sample in samples if sample.time_s >= BASE_SECONDS]
    most = max((sample.ready for sample in risen), default=0)

    def first(holds: Callable[[Sample], bool]) -> float | None:
        return next((sample.time_s - BASE_SECONDS for sample in risen if holds(sample)), None)

    ended = max((sample.time_s for sample in samples if sample.p95_ms is not None), default=0)
    back = (
        sample.time_s - ended
        for sample in samples
        if sample.time_s > ended and sample.ready == sample.desired == minimum
    )
    return Scaling(
        minimum=minimum,
        peak_rate=peak_rate,
        peak_ready=most,
        failed=samples[-1].failed_total if samples else 0,
        wanted_seconds=first(lambda sample: sample.desired > minimum),
        ready_seconds=first(lambda sample: sample.ready > minimum),
        peak_seconds=first(lambda sample: sample.ready >= most) if most > minimum else None,
        back_seconds=min(back, default=None),
        reason=reason,
        samples=samples,
    )
