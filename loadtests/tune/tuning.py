from collections.abc import Sequence
from dataclasses import dataclass

from loadtests.tune.cost import day, pod_hours
from loadtests.tune.offer import Step
from loadtests.tune.search import Capacity
from loadtests.tune.sizing import Measured, Stated, Value


@dataclass(frozen=True)
class Tuning:
    """What was found of a release, and the values that follow."""

    release: str
    request: str
    p95_target_ms: float
    capacity: Capacity
    steps: Sequence[Step]
    confirmed: Step
    """The minute at the new target."""
    stated: Stated
    measured: Measured
    values: Sequence[Value]

    def value(self, path: str) -> float:
        """One of the numbers among the values."""
        return next(float(each.value) for each in self.values if each.path == path)

    @property
    def target(self) -> float:
        """Requests a second wanted of each replica."""
        return self.value("autoscaling.requestRate.targetPerReplica")

    @property
    def bounds(self) -> tuple[int, int]:
        """The fewest replicas and the most."""
        return int(self.value("autoscaling.minReplicas")), int(self.value("autoscaling.maxReplicas"))

    @property
    def pod_hours(self) -> float:
        """Of a day between the least load and the peak."""
        return pod_hours(day(self.stated.low, self.stated.peak), self.target, *self.bounds)
