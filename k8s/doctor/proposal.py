"""How many replicas each metric asks for, computed as the autoscaler's controller does, from what its status shows."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from k8s.client.autoscaler import CPU, IN_FLIGHT, REQUEST_RATE, current_values, details, identity, of_requests
from k8s.client.notation import quantity
from k8s.client.tolerance import Tolerance, tolerance_of
from k8s.doctor.counted import Counted, Sample, count_for_cpu, count_for_values, count_ready
from k8s.doctor.snapshot import Json, Snapshot

UTILIZATION, AVERAGE, VALUE = "averageUtilization", "averageValue", "value"
# In a sentence that begins with "the".
_IN_WORDS = {IN_FLIGHT: "number in flight"}


@dataclass(frozen=True)
class Metric:
    """One metric of an autoscaler, with its value and its target."""

    kind: str
    """Resource, ContainerResource, Pods, Object or External."""
    id: str
    """Its name in the autoscaler: cpu, or s1-prometheus, which KEDA made of the ScaledObject's trigger."""
    name: str
    """For people."""
    measure: str
    """What is compared: averageUtilization, averageValue or value."""
    current: float | None
    """None: the autoscaler has no value, and shows <unknown>."""
    wanted: float

    @property
    def is_shared(self) -> bool:
        """Whether it is one value of all replicas, which the autoscaler divides by their number."""
        return self.kind in {"External", "Object"} and self.measure == AVERAGE


@dataclass(frozen=True)
class Proposal:
    """What one metric asks for: two counts where the status' mean, rounded up to thousandths, leaves both."""

    metric: Metric
    least: int
    most: int
    total: float | None = None
    """Of all replicas, where the metric is one of all."""
    within: float | None = None
    """The tolerance that it is within, so that it asks for no other count; None: it is off by more."""


def read_metrics(hpa: Json, scaled_object: Json | None) -> Iterator[Metric]:
    """Read what an autoscaler was told to look at, with what it saw."""
    seen = current_values(hpa.get("status", {}).get("currentMetrics"))
    for metric in hpa["spec"].get("metrics") or ():
        kind, id_ = identity(metric)
        target, now = details(metric)["target"], seen.get((kind, id_), {})
        measure = next(each for each in (UTILIZATION, AVERAGE, VALUE) if each in target)
        # A share is a number, a value is text with a unit.
        current, wanted = (quantity(str(each)) for each in (now.get(measure, ""), target[measure]))
        yield Metric(kind, id_, _name(kind, id_, scaled_object), measure, current, wanted or 0)


def proposals(
    hpa: Json, release: Snapshot, samples: Mapping[str, Sample] | None
) -> list[tuple[Metric, Proposal | None]]:
    """Compute what each metric asks for; None: it has no value, and asks for nothing."""
    tolerance = tolerance_of(hpa)
    current: int = hpa.get("status", {}).get("currentReplicas", 0)
    moved = current != hpa.get("status", {}).get("desiredReplicas", 0)
    # It divided by the pods that there were at its look: those before its last step, or with a rollout's surge.
    divided_by = current if moved else release.created
    found: list[tuple[Metric, Proposal | None]] = []
    for metric in read_metrics(hpa, release.scaled_object):
        if metric.current is None or not metric.wanted or not current:
            found.append((metric, None))
        elif metric.is_shared:
            found.append((metric, _shared(metric, divided_by, tolerance)))
        elif metric.measure == VALUE:
            found.append((metric, _of_value(metric, current, count_ready(release.listed_pods), tolerance)))
        else:
            of_cpu = metric.id == CPU
            pods = release.listed_pods
            counted = count_for_cpu(pods, samples, release.now_s) if of_cpu else count_for_values(pods)
            found.append((metric, _mean(metric, current, counted, tolerance)))
    return found


def _name(kind: str, id_: str, scaled_object: Json | None) -> str:
    if kind in {"Resource", "ContainerResource"}:
        return id_.upper() if id_ == CPU else id_
    trigger, _, _ = id_.partition("-")
    triggers: list[dict[str, Any]] = scaled_object["spec"]["triggers"] if scaled_object else []
    if kind == "External" and trigger[1:].isdigit() and int(trigger[1:]) < len(triggers):
        name = str(triggers[int(trigger[1:])].get("name") or REQUEST_RATE).replace("-", " ")
        return _IN_WORDS.get(name, name)
    if kind not in {"External", "Pods"}:
        return id_
    name, _ = of_requests(id_)
    return _IN_WORDS.get(name, name)


def _shared(metric: Metric, divided_by: int, tolerance: Tolerance) -> Proposal:
    """One value of all: the status has its mean, rounded up to thousandths."""
    mean, wanted = _thousandths(metric.current), _thousandths(metric.wanted)
    borders = (max(0, (mean - 1) * divided_by + 1), mean * divided_by)
    ratios = [border / (wanted * divided_by) if divided_by else math.inf for border in borders]
    counts = [
        divided_by if tolerance.bears(ratio) else math.ceil(border / wanted)
        for border, ratio in zip(borders, ratios, strict=True)
    ]
    return Proposal(metric, min(counts), max(counts), borders[1] / 1000, _within(ratios[1], tolerance))


def _of_value(metric: Metric, current: int, ready: int, tolerance: Tolerance) -> Proposal:
    ratio = (metric.current or 0) / metric.wanted
    count = current if tolerance.bears(ratio) else math.ceil(ratio * ready)
    return Proposal(metric, count, count, within=_within(ratio, tolerance))


def _mean(metric: Metric, current: int, counted: Counted, tolerance: Tolerance) -> Proposal:
    """A mean of pods: one without a value counts as idle before pods are added, as busy before any is removed."""
    value = metric.current or 0
    ratio = value / metric.wanted
    unready = counted.unready if ratio > 1 else 0
    missing = counted.missing if ratio != 1 else 0
    if not unready and not missing:
        count = current if tolerance.bears(ratio) else math.ceil(ratio * counted.measured)
        return Proposal(metric, count, count, within=_within(ratio, tolerance))
    idle_or_busy = 0.0 if ratio > 1 else metric.wanted
    if metric.measure == UTILIZATION and idle_or_busy:
        idle_or_busy = max(100, metric.wanted)
    pods = counted.measured + missing + unready
    with_them = (value * counted.measured + idle_or_busy * missing) / pods
    # A share is a whole number of percent.
    then = (math.floor(with_them) if metric.measure == UTILIZATION else with_them) / metric.wanted
    count = math.ceil(then * pods)
    turned = (ratio - 1) * (then - 1) < 0 or (then < 1 and count > current) or (then > 1 and count < current)
    if tolerance.bears(then) or turned:
        count = current
    return Proposal(metric, count, count, within=_within(then, tolerance))


def _within(ratio: float, tolerance: Tolerance) -> float | None:
    return (tolerance.up if ratio > 1 else tolerance.down) if tolerance.bears(ratio) else None


def _thousandths(value: float | None) -> int:
    return round((value or 0) * 1000)
