"""What values cost: pod-hours of the day that `make simulate` has, stretched between the least load and the peak."""

import math

from loadtests.simulate import traffic
from loadtests.simulate.scenarios import HOUR


def day(low: float, peak: float) -> list[float]:
    """Give the rate of each second of a day from midnight on, without noise."""
    rates = traffic.day(noise=0)
    least, most = min(rates), max(rates)
    return [low + (peak - low) * (rate - least) / (most - least) for rate in rates]


def replicas_of(rate: float, target: float, fewest: int, most: int) -> int:
    """Replicas that the autoscaler settles at."""
    return min(most, max(fewest, math.ceil(rate / target)))


def pod_hours(rates: list[float], target: float, fewest: int, most: int) -> float:
    """Add up the replicas of each second."""
    return sum(replicas_of(rate, target, fewest, most) for rate in rates) / HOUR
