"""What a setting cost and which requests it had no capacity for, added up over the seconds of its slices."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from math import sqrt
from statistics import median, stdev

from loadtests.simulate.fleet import App, Pod
from loadtests.simulate.scenarios import Scenario, Slice

# Capacity is reached when noise on top of a surge has not touched it for this long.
HELD_SECONDS = 60


@dataclass(frozen=True)
class Outcome:
    """One setting under one scenario.

    Attributes:
        pod_hours: of all pods, from creation until gone: what a bill or a node counts.
        requests: that arrived.
        over_capacity: of them, beyond what the ready pods had CPU for in their second.
        short_seconds: in which there were such.
        turns: changes of direction of the replicas wanted.
        most_replicas: wanted at one time.
        seconds_to_capacity: from the start of a surge until no request was over capacity for a minute, the median of
            repetitions; None: there is no surge, or that was not reached.
        over_capacity_error: the standard error of `over_capacity`, by how the repetitions differ; 0 without any.
    """

    pod_hours: float
    requests: float
    over_capacity: float
    short_seconds: float
    turns: float
    most_replicas: int
    seconds_to_capacity: float | None = None
    over_capacity_error: float = 0

    @property
    def share_over(self) -> float:
        """Requests over capacity as a share of all."""
        return self.over_capacity / self.requests

    def as_json(self) -> dict[str, float | None]:
        """All figures by name."""
        return {**asdict(self), "share_over": self.share_over}


def outcome(scenario: Scenario, apps: Sequence[App], capacity_rps: float) -> Outcome:
    """Add up `apps`, one for each slice of `scenario`, each for as much as it stands for."""
    parts = [_of_slice(app, each, capacity_rps) for app, each in zip(apps, scenario.slices, strict=True)]
    over = [part.over_capacity for part in parts]
    reached = [part.seconds_to_capacity for part in parts if part.seconds_to_capacity is not None]
    return Outcome(
        pod_hours=scenario.weight * sum(part.pod_hours for part in parts),
        requests=scenario.weight * sum(part.requests for part in parts),
        over_capacity=scenario.weight * sum(over),
        short_seconds=scenario.weight * sum(part.short_seconds for part in parts),
        turns=scenario.weight * sum(part.turns for part in parts),
        most_replicas=max(part.most_replicas for part in parts),
        seconds_to_capacity=median(reached) if len(reached) == len(parts) else None,
        over_capacity_error=stdev(over) / sqrt(len(over)) if scenario.is_repeated else 0,
    )


def ready_pods(pods: Iterable[Pod], seconds: int) -> list[int]:
    """Count the pods that take requests, at each simulated second."""
    spans = ((pod.ready_s, pod.deleted_s) for pod in pods if pod.ready_s is not None)
    return _count(((begin, end) for begin, end in spans if begin is not None), seconds)


def _of_slice(app: App, part: Slice, capacity_rps: float) -> Outcome:
    counted = part.counted
    ready = ready_pods(app.pods.values(), counted.stop)
    excess = [max(0.0, app.rates[second] - ready[second] * capacity_rps) for second in counted]
    wanted = _wanted_within(app.wanted, counted)
    return Outcome(
        pod_hours=sum(_overlap(pod, counted) for pod in app.pods.values()) / 3600,
        requests=sum(app.rates[second] for second in counted),
        over_capacity=sum(excess),
        short_seconds=sum(more > 0 for more in excess),
        turns=turns(wanted),
        most_replicas=max(wanted),
        seconds_to_capacity=_to_capacity(excess, counted, part.surge_at_s),
    )


def turns(replicas: Sequence[int]) -> int:
    """Count how often a series changes from growing to shrinking or back."""
    directions = [after > before for before, after in pairwise(replicas) if after != before]
    return sum(before != after for before, after in pairwise(directions))


def _wanted_within(wanted: Sequence[tuple[float, int]], counted: range) -> list[int]:
    before = [replicas for second, replicas in wanted if second < counted.start]
    return [*before[-1:], *(replicas for second, replicas in wanted if counted.start <= second < counted.stop)]


def _to_capacity(excess: Sequence[float], counted: range, surge_at_s: int | None) -> int | None:
    if surge_at_s is None:
        return None
    after = excess[surge_at_s - counted.start :]
    first = next((second for second, more in enumerate(after) if more > 0), None)
    if first is None:
        return 0
    held = (second for second in range(first, len(after) - HELD_SECONDS) if not any(after[second:][:HELD_SECONDS]))
    return next(held, None)


def _overlap(pod: Pod, counted: range) -> float:
    end = counted.stop if pod.gone_s is None else min(pod.gone_s, counted.stop)
    return max(0.0, end - max(pod.created_s, counted.start))


def _count(spans: Iterable[tuple[float, float | None]], seconds: int) -> list[int]:
    changes = [0] * (seconds + 1)
    for begin, end in spans:
        changes[min(seconds, int(begin))] += 1
        changes[min(seconds, seconds if end is None else int(end))] -= 1
    counts, present = [], 0
    for change in changes[:seconds]:
        present += change
        counts.append(present)
    return counts
