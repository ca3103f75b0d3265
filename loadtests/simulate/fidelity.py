from dataclasses import dataclass
from itertools import pairwise
from statistics import quantiles

from loadtests.errors import LoadTestError
from loadtests.simulate.fleet import Fleet

# What a look's own time adds to the period is within this; beyond it, another autoscaler is simulated than there is.
MOST_BETWEEN_LOOKS_P50, MOST_BETWEEN_LOOKS_P99 = 1.35, 3.0


@dataclass(frozen=True)
class Fidelity:
    """How well the control plane kept up with compressed time; in simulated seconds.

    Attributes:
        looks: of the autoscaler at a request rate.
        between_looks_p50_s: what it is told to be is the sync period.
        between_looks_p99_s: likewise.
        scheduling_p50_s: from a pod's creation to its node.
        scheduling_p99_s: likewise.
        cpu_seconds: that the control plane used, not simulated.
    """

    looks: int
    between_looks_p50_s: float
    between_looks_p99_s: float
    scheduling_p50_s: float
    scheduling_p99_s: float
    cpu_seconds: float

    def require(self, sync_seconds: float) -> None:
        """Raise a LoadTestError if the autoscaler did not look every `sync_seconds`, more or less."""
        most = MOST_BETWEEN_LOOKS_P50 * sync_seconds, MOST_BETWEEN_LOOKS_P99 * sync_seconds
        if self.between_looks_p50_s > most[0] or self.between_looks_p99_s > most[1]:
            raise LoadTestError(
                f"this machine is too slow or too busy: the autoscaler looked every {self.between_looks_p50_s:.0f} s "
                f"of simulated time (p99 {self.between_looks_p99_s:.0f}), not every {sync_seconds:.0f}, so the figures "
                "are none to keep; end what runs beside it, or give a lower --speed"
            )


def fidelity(fleet: Fleet, cpu_seconds: float) -> Fidelity:
    """Look back at a run that has ended."""
    gaps = [after - before for app in fleet.apps.values() for before, after in pairwise(app.asked)]
    waits = [
        pod.scheduled_s - pod.created_s
        for app in fleet.apps.values()
        for pod in app.pods.values()
        if pod.scheduled_s is not None and pod.created_s > 0  # what was there at the start is not scaling
    ]
    return Fidelity(
        looks=len(gaps),
        between_looks_p50_s=percentile(gaps, 50),
        between_looks_p99_s=percentile(gaps, 99),
        scheduling_p50_s=percentile(waits, 50),
        scheduling_p99_s=percentile(waits, 99),
        cpu_seconds=cpu_seconds,
    )


def percentile(values: list[float], percent: int) -> float:
    """Give a percentile of two values or more, of one that one, and of none 0."""
    if len(values) < 2:  # noqa: PLR2004 - what quantiles needs
        return values[0] if values else 0.0
    return quantiles(values, n=100, method="inclusive")[percent - 1]
