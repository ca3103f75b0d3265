"""How high a load must rise for an autoscaler to follow it, and how many replicas it then has."""

import math
from dataclasses import dataclass

from k8s.client.autoscaler import REQUEST_RATE, Autoscaler
from k8s.client.tolerance import DEFAULT_TOLERANCE
from loadtests.errors import LoadTestError

# Ten times the load, three times the replicas.
LOAD, REPLICAS = 10, 3
# With a margin for a rate that is not met to the last request.
MARGIN = 3.5 / 3
# Requests a second, the most that is sent unless somebody says so: k6 takes a third of a core for it.
MOST = 1000
# What is offered where the autoscaler has no target for the request rate.
OTHERWISE_PER_REPLICA = 30


@dataclass(frozen=True)
class Ramp:
    """A load of ten times as much.

    Attributes:
        peak: requests a second.
        minimum: replicas before it and after it.
        replicas: that must become ready for it.
        bearable: requests a second above which the minimum is too few; 0: nothing tells.
    """

    peak: int
    minimum: int
    replicas: int
    bearable: float = 0

    @property
    def start(self) -> int:
        """Requests a second before it rises."""
        return max(1, self.peak // LOAD)

    def asks_after(self, rise_seconds: float) -> float:
        """Seconds into a steady rise from start to peak at which more than the minimum is asked for."""
        share = (self.bearable - self.start) / max(1, self.peak - self.start)
        return rise_seconds * min(1.0, max(0.0, share))


def peak_for(autoscaler: Autoscaler) -> int:
    """Requests a second that ask for a good three times the minimum, or the most that is sent."""
    return max(1, min(MOST, round(REPLICAS * MARGIN * autoscaler.minimum * _target(autoscaler))))


def ramp_for(autoscaler: Autoscaler, peak: int | None = None) -> Ramp:
    """Find the peak, unless it is given, and the replicas that must come of it.

    Three times the minimum, unless the maximum, or the target and its tolerance, allow fewer. A peak that is given may
    ask for none, and asks for none where there is no target to say how many.

    Raises:
        LoadTestError: the most that is sent asks for none.
    """
    offered = peak or peak_for(autoscaler)
    asked = math.ceil(offered / _bearable(autoscaler))
    replicas = max(autoscaler.minimum, min(REPLICAS * autoscaler.minimum, autoscaler.maximum, asked))
    if peak is None and replicas == autoscaler.minimum:
        raise LoadTestError(_nothing_to_see(autoscaler, offered))
    if autoscaler.target(REQUEST_RATE) is None:
        return Ramp(offered, autoscaler.minimum, autoscaler.minimum if peak else replicas)
    return Ramp(offered, autoscaler.minimum, replicas, round(autoscaler.minimum * _bearable(autoscaler), 3))


def _target(autoscaler: Autoscaler) -> float:
    rate = autoscaler.target(REQUEST_RATE)
    return rate.wanted if rate else OTHERWISE_PER_REPLICA


def _bearable(autoscaler: Autoscaler) -> float:
    return _target(autoscaler) * (1 + DEFAULT_TOLERANCE)


def _nothing_to_see(autoscaler: Autoscaler, offered: int) -> str:
    minimum = autoscaler.minimum
    if autoscaler.maximum <= minimum:
        return f"there are {minimum} replicas under any load: raise autoscaling.maxReplicas above minReplicas"
    return (
        f"{offered:,} requests/s, the most that is sent, ask for no more than the {minimum} replicas that there always "
        f"are: lower autoscaling.minReplicas, or requestRate.targetPerReplica ({_target(autoscaler):g})"
    )
