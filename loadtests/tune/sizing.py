"""The chart's values that follow from what a replica holds, each with its reason; arithmetic and nothing else."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from k8s.client.tolerance import DEFAULT_TOLERANCE

# Less CPU than this is lost in what a pod does by itself, and a percentage of it says nothing.
LEAST_CPU_MILLICORES = 50
CPU_STEP_MILLICORES = 10
MEMORY_STEP_MEBIBYTES = 16
# Above the most that was seen: caches fill, and heaps grow.
MEMORY_MARGIN = 1.25
# One may be away, and the others go on.
FEWEST_REPLICAS = 2
TENTHS_BELOW = 10

TARGET = "autoscaling.requestRate.targetPerReplica"
FEWEST, MOST = "autoscaling.minReplicas", "autoscaling.maxReplicas"


class Value(NamedTuple):
    """One of the chart's values, and why it is that."""

    path: str
    value: float | str | bool
    reason: str


@dataclass(frozen=True)
class Stated:
    """What the user says of the load that is to come."""

    peak: float
    """Requests a second."""
    low: float
    """The least, of a night."""
    step: float = 1.5
    """So many times as much may come before new replicas help."""
    rise_seconds: float = 300
    """In which the load goes from the least to the peak."""


@dataclass(frozen=True)
class Measured:
    """What was measured of a replica; None where the cluster did not say."""

    capacity: float
    """Requests a second that it holds."""
    reaction_seconds: float
    """From a rise of the load until a new replica answers."""
    reaction_is: str
    """How that is known."""
    cpu_millicores: float | None = None
    """At capacity."""
    memory_mebibytes: float | None = None
    """The most that one had."""


def target_per_replica(stated: Stated, measured: Measured) -> Value:
    """Requests a second wanted of each: as many as leave room for the step, and for what the autoscaler tolerates."""
    share = _share(stated)
    exact = round(measured.capacity * share, 6)  # 330 / 1.65 is 200, and not a hair less
    rounded = math.floor(exact) if exact >= TENTHS_BELOW else math.floor(exact * 10) / 10
    reason = (
        f"{measured.capacity:,.1f} held / ({stated.step:g} for the step x {1 + DEFAULT_TOLERANCE:g} for what the "
        "autoscaler tolerates)"
    )
    return Value(TARGET, max(rounded, 0.1), reason)


def cpu(stated: Stated, measured: Measured) -> list[Value]:
    """The request, and the target as the share of it that the rate's target is of the capacity."""
    if measured.cpu_millicores is None:
        return []
    request = max(LEAST_CPU_MILLICORES, _up(measured.cpu_millicores, CPU_STEP_MILLICORES))
    why = f"{measured.cpu_millicores:.0f}m used at {measured.capacity:,.1f} requests/s"
    if request > _up(measured.cpu_millicores, CPU_STEP_MILLICORES):
        why += f"; less than {LEAST_CPU_MILLICORES}m is no measure for the autoscaler"
    percent = math.floor(100 * _share(stated))
    return [
        Value("resources.requests.cpu", f"{request}m", why),
        Value(
            "autoscaling.cpu.targetUtilizationPercent",
            percent,
            "the share of its capacity that a replica has at the request rate's target: both ask for as many replicas, "
            "and CPU for more where requests have become dearer",
        ),
    ]


def memory(measured: Measured) -> list[Value]:
    """The request, and twice as much as the limit."""
    if measured.memory_mebibytes is None:
        return []
    request = _up(MEMORY_MARGIN * measured.memory_mebibytes, MEMORY_STEP_MEBIBYTES)
    why = f"{measured.memory_mebibytes:.0f} MiB used at most, and {MEMORY_MARGIN - 1:.0%} more"
    return [
        Value("resources.requests.memory", f"{request}Mi", why),
        Value("resources.limits.memory", f"{2 * request}Mi", "twice the request: a pod above it is killed"),
    ]


def replicas(stated: Stated, measured: Measured) -> tuple[Value, Value]:
    """The fewest and the most."""
    target = float(target_per_replica(stated, measured).value)
    needed = math.ceil(stated.peak / target)
    most = max(needed + 1, FEWEST_REPLICAS)
    growth = (stated.peak - stated.low) / stated.rise_seconds
    # From this load on, what replicas at their target have left bears the growth of one reaction.
    borne_from = min(stated.peak, growth * measured.reaction_seconds / (stated.step - 1))
    fewest = min(most, max(FEWEST_REPLICAS, math.ceil(max(stated.low, borne_from) / target)))
    why = (
        f"the load grows by {growth:,.1f} requests/s each second, and new replicas help after "
        f"{measured.reaction_seconds:.0f} s ({measured.reaction_is}): up to {max(stated.low, borne_from):,.0f} "
        f"requests/s those that are there must bear it; {FEWEST_REPLICAS} at least"
    )
    return (
        Value(FEWEST, fewest, why),
        Value(
            MOST,
            most,
            f"{needed} for {stated.peak:,.0f} requests/s at {target:g} each, and one that is away",
        ),
    )


def number(values: Sequence[Value], path: str) -> float:
    """Give one of the numbers among some values."""
    return next(float(each.value) for each in values if each.path == path)


def _share(stated: Stated) -> float:
    return 1 / (stated.step * (1 + DEFAULT_TOLERANCE))


def _up(number: float, step: int) -> int:
    return math.ceil(number / step) * step
