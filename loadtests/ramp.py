"""How high a load must rise for an autoscaler to follow it, and how many replicas it then has."""

import math
from dataclasses import dataclass

from k8s.client.autoscaler import REQUEST_RATE, Autoscaler
from loadtests.errors import LoadTestError

# Ten times the load, three times the replicas.
LOAD, REPLICAS = 10, 3
# With a margin for a rate that is not met to the last request.
MARGIN = 3.5 / 3
# Requests a second, the most that is sent: k6 itself takes a third of a core for it (docs/assessment.md).
MOST = 1000
# What is offered where the autoscaler has no target for the request rate.
OTHERWISE_PER_REPLICA = 30


@dataclass(frozen=True)
class Ramp:
    """A load of ten times as much.

    Attributes:
        peak: requests a second, at most `MOST`.
        minimum: replicas before it and after it.
        replicas: that must become ready for it: three times the minimum, or what so much and the maximum allow.
    """

    peak: int
    minimum: int
    replicas: int

    @property
    def start(self) -> int:
        """Requests a second before it rises."""
        return max(1, self.peak // LOAD)


def ramp_for(autoscaler: Autoscaler, peak: int | None = None) -> Ramp:
    """Find the peak that asks for a good three times the minimum; who gives a peak may ask for no more than that.

    Raises:
        LoadTestError: the most that is sent gives the autoscaler no reason to add replicas.
    """
    rate = autoscaler.target(REQUEST_RATE)
    target = rate.wanted if rate else OTHERWISE_PER_REPLICA
    minimum, maximum = autoscaler.minimum, autoscaler.maximum
    found = peak or min(MOST, round(REPLICAS * MARGIN * minimum * target))
    replicas = max(minimum, min(REPLICAS * minimum, maximum, math.ceil(found / target)))
    if peak is None and replicas == minimum:
        raise LoadTestError(
            f"a load of {found:,} requests/s asks for no more than the {minimum} replicas that there always are: "
            f"lower autoscaling.requestRate.targetPerReplica ({target:g}) or raise autoscaling.maxReplicas ({maximum})"
        )
    return Ramp(found, minimum, replicas)
