from collections.abc import Sequence
from dataclasses import dataclass

from loadtests.tune.cost import day, pod_hours
from loadtests.tune.offer import Step
from loadtests.tune.search import Capacity
from loadtests.tune.sizing import FEWEST, MOST, TARGET, Measured, Stated, Value, number


@dataclass(frozen=True)
class Tuning:
    """What was found of a release, and the values that follow."""

    release: str
    request: str
    p95_target_ms: float
    capacity: Capacity
    by_k6: float
    """What k6 found it to hold, in one round from there, in requests a second."""
    steps: Sequence[Step]
    confirmed: Step
    """The minute at the new target, by k6."""
    stated: Stated
    measured: Measured
    values: Sequence[Value]

    @property
    def target(self) -> float:
        """Requests a second wanted of each replica."""
        return number(self.values, TARGET)

    @property
    def bounds(self) -> tuple[int, int]:
        """The fewest replicas and the most."""
        return bounds_of(self.values)

    @property
    def pod_hours(self) -> float:
        """Of a day between the least load and the peak."""
        return pod_hours_of(self.stated, self.values)


def bounds_of(values: Sequence[Value]) -> tuple[int, int]:
    """Give the fewest replicas and the most of some values."""
    return int(number(values, FEWEST)), int(number(values, MOST))


def pod_hours_of(stated: Stated, values: Sequence[Value]) -> float:
    """Give the pod-hours of a day between the least load and the peak."""
    return pod_hours(day(stated.low, stated.peak), number(values, TARGET), *bounds_of(values))
