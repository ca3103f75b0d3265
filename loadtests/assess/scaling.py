import csv
from dataclasses import dataclass, field
from pathlib import Path

from k8s.client.errors import ClusterError
from loadtests.assess.installation import Installation
from loadtests.errors import LoadTestError
from loadtests.timeline import Cluster, timeline

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
    samples: list[dict[str, float | None]] = field(default_factory=list)


def measure_scaling(installation: Installation, cluster: Cluster, folder: Path, users: int) -> Scaling:
    """Ramp the load as `make timeline` does, at a rate that asks this autoscaler for a good three times its minimum.

    Raises:
        LoadTestError: nothing was recorded.
    """
    minimum = installation.release.autoscaler().minimum
    peak = installation.peak_rate()
    variables = {"RATE_START": str(max(1, peak // START_SHARE)), "RATE_PEAK": str(peak)}
    variables["BASE_SECONDS"] = str(BASE_SECONDS)
    record = folder / "timeline.csv"
    record.unlink(missing_ok=True)
    reason = ""
    try:
        timeline(cluster, installation.environment(users=users, **variables), folder)
    except (ClusterError, LoadTestError) as error:
        reason = str(error)
    if not record.exists():
        raise LoadTestError(reason)
    return reactions(read_samples(record), minimum, peak, reason)


def read_samples(path: Path) -> list[dict[str, float | None]]:
    """Read timeline.csv: one second a row, None where nothing is known."""
    with path.open() as file:
        return [{name: float(value) if value else None for name, value in row.items()} for row in csv.DictReader(file)]


def reactions(samples: list[dict[str, float | None]], minimum: int, peak_rate: int, reason: str = "") -> Scaling:
    """Tell the times of each reaction; what comes before the rise is none."""
    risen = [sample for sample in samples if (sample["time_s"] or 0) >= BASE_SECONDS]
    most = max((sample["ready"] or 0 for sample in risen), default=0)

    def first(column: str, least: float) -> float | None:
        times = [sample["time_s"] for sample in risen if (sample[column] or 0) >= least]
        return None if not times or times[0] is None else times[0] - BASE_SECONDS

    loaded = [sample["time_s"] or 0 for sample in samples if sample["p95_ms"] is not None]
    ended = max(loaded, default=0)
    back = [
        (sample["time_s"] or 0) - ended
        for sample in samples
        if (sample["time_s"] or 0) > ended and sample["ready"] == sample["desired"] == minimum
    ]
    return Scaling(
        minimum=minimum,
        peak_rate=peak_rate,
        peak_ready=int(most),
        failed=int(samples[-1]["failed_total"] or 0) if samples else 0,
        wanted_seconds=first("desired", minimum + 1),
        ready_seconds=first("ready", minimum + 1),
        peak_seconds=first("ready", most) if most > minimum else None,
        back_seconds=min(back, default=None),
        reason=reason,
        samples=samples,
    )
