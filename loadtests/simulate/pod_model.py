from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from loadtests.simulate.settings import Setting

# One process a pod, which runs Python on one core at a time.
MOST_MILLICORES = 1000


@dataclass(frozen=True)
class PodModel:
    """What one pod can do: the chart's two targets say the same, so a request costs what they imply.

    Attributes:
        capacity_rps: requests a second at which a pod uses its CPU request in full: what the scheduler has promised it.
        request_millicores: its CPU request.
    """

    capacity_rps: float
    request_millicores: int

    @classmethod
    def of_chart(cls, values: Mapping[str, Any]) -> "PodModel":
        """Take the capacity at which the chart's request rate target is the CPU target's share of it."""
        autoscaling = values["autoscaling"]
        share = autoscaling["cpu"]["targetUtilizationPercent"] / 100
        cpu = str(values["resources"]["requests"]["cpu"])
        millicores = int(cpu[:-1]) if cpu.endswith("m") else round(float(cpu) * 1000)
        return cls(autoscaling["requestRate"]["targetPerReplica"] / share, millicores)

    @property
    def ceiling_rps(self) -> float:
        """The most a pod ever answers, on a core of its own."""
        return self.capacity_rps * MOST_MILLICORES / self.request_millicores

    def target_rps(self, setting: Setting) -> float:
        """Requests a second that a setting wants of each pod."""
        return self.capacity_rps * setting.target_percent / 100

    def millicores(self, rps: float) -> float:
        """CPU that a pod uses at a rate."""
        return rps / self.capacity_rps * self.request_millicores


class Served:
    """Requests that each ready pod has answered since the start: all get the same, and none more than it can."""

    def __init__(self, rates: Sequence[float], ceiling_rps: float) -> None:
        self._rates = rates
        self._ceiling = ceiling_rps
        self._totals = [0.0]

    def advance(self, second: float, ready: int) -> None:
        """Count up to the simulated `second`, in which `ready` pods shared what came."""
        while len(self._totals) <= second:
            rate = self._rates[min(len(self._totals) - 1, len(self._rates) - 1)]
            share = min(rate / ready, self._ceiling) if ready else 0.0
            self._totals.append(self._totals[-1] + share)

    def rate(self, ready_at: float, now: float, window_seconds: int, scrape_seconds: int) -> float | None:
        """Give a pod's rate as Prometheus has it: from the first to the last scrape within the window.

        None: it was not scraped twice since `ready_at`. Counts must have advanced to `now`.
        """
        last = int(now) // scrape_seconds * scrape_seconds
        since_ready = int(last - ready_at) // scrape_seconds * scrape_seconds
        span = min(window_seconds - scrape_seconds, since_ready)
        if span <= 0:
            return None
        return (self._totals[last] - self._totals[last - span]) / span
