from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from loadtests.assess.installation import Installation
from loadtests.ramp import Ramp
from loadtests.timeline import Sample, timeline

# As loadtests/k6/ramp.js has it: how long before it rises, and how long it does.
BASE_SECONDS = 15
RISE_SECONDS = 30


@dataclass(frozen=True)
class Scaling:
    """How the replicas followed a load of ten times as much, and came back; None: they did not."""

    ramp: Ramp
    peak_ready: int
    failed: int
    asked_seconds: float
    """From the rise of the load until it is more than the minimum is asked to bear."""
    wanted_seconds: float | None
    """... until more than the minimum was wanted."""
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
    """Ramp the load as `make timeline` does.

    Raises:
        LoadTestError: nothing was recorded.
        ClusterError: there was nothing to observe.
    """
    seconds = {"BASE_SECONDS": str(BASE_SECONDS), "RISE_SECONDS": str(RISE_SECONDS)}
    environment = installation.environment(users=users, **seconds)
    found = timeline(installation.release, installation.prometheus, environment, folder, installation.application)
    return reactions(found.samples, found.ramp, "; ".join(found.reasons))


def reactions(samples: Sequence[Sample], ramp: Ramp, reason: str = "") -> Scaling:
    """Tell the times of each reaction; what comes before the rise is none."""
    risen = [sample for sample in samples if sample.time_s >= BASE_SECONDS]
    most = max((sample.ready for sample in risen), default=0)

    def first(holds: Callable[[Sample], bool]) -> float | None:
        return next((sample.time_s - BASE_SECONDS for sample in risen if holds(sample)), None)

    ended = max((sample.time_s for sample in samples if sample.p95_ms is not None), default=0)
    back = (
        sample.time_s - ended
        for sample in samples
        if sample.time_s > ended and sample.ready == sample.desired == ramp.minimum
    )
    return Scaling(
        ramp=ramp,
        peak_ready=most,
        failed=samples[-1].failed_total if samples else 0,
        asked_seconds=ramp.asks_after(RISE_SECONDS),
        wanted_seconds=first(lambda sample: sample.desired > ramp.minimum),
        ready_seconds=first(lambda sample: sample.ready > ramp.minimum),
        peak_seconds=first(lambda sample: sample.ready >= most) if most > ramp.minimum else None,
        back_seconds=min(back, default=None),
        reason=reason,
        samples=samples,
    )
