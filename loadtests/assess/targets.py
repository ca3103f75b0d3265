import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from loadtests.assess.assessment import Assessment
from loadtests.assess.availability import Availability
from loadtests.assess.limiter import Limiter
from loadtests.assess.scaling import Scaling
from loadtests.assess.spread import Spread
from loadtests.assess.throughput import P95_TARGET_MS, RATE_TARGET, Step, Throughput
from loadtests.assess.writes import Writes
from loadtests.assess.written import Written
from service.fleet.staleness import MAX_STALENESS_SECONDS

CACHED_MEAN_MS = 100.0
AVAILABILITY_PERCENT = 99.9
REPLICAS = 3
CACHED = ("cached response, mean", "cached response, p95")
RESPONSE = ("response, mean", "response, p95")
SCALING = ("replicas ready at ten times the load", "first further replica ready after the load asks for it")
WRITES = (
    "creation or change of a user, p95",
    "creations and changes that failed",
    "own writes that a read at once lacks",
    "age of what another client may still read after a write",
)
WRITTEN = ("write, p95", "writes that failed")
SPREAD = ("replicas that answer", "evenness of the spread over replicas")
CACHES = "cache hit ratio"
LIMITER = "rate limiter's deviation from the limit"
# The spread counts as even where the deviation is small, or where chance alone makes one so uneven at least once in a
# hundred times. Significance alone would not do: with enough requests any balancer that is no die fails such a test.
SMALL_EFFECT = 0.1
P_VALUE = 0.01
FIRST_READY_SECONDS = 30.0
CACHE_HIT_PERCENT = 90.0
LIMITER_ERROR_PERCENT = 2.0
# What the compose stack's own report says of itself.
COMPOSE = {"response": "10-25 ms", "throughput": "100-200 req/s", "availability": "100 %"}


@dataclass(frozen=True)
class Target:
    """One figure and its target."""

    name: str
    bound: float
    unit: str
    measured: float | None
    """None: it could not be measured, and so is not met."""
    at_least: bool = False
    """Whether more is better; otherwise the bound is the most it may be."""
    compose: str = ""
    limited_by: str = ""
    evidence: str = ""
    note: str = ""

    @property
    def met(self) -> bool:
        """Whether the target is met."""
        if self.measured is None:
            return False
        return self.measured >= self.bound if self.at_least else self.measured <= self.bound

    @property
    def wanted(self) -> str:
        """The bound as a person reads it."""
        return f"{'≥' if self.at_least else '≤'} {number(self.bound, self.unit)}"

    @property
    def shown(self) -> str:
        """The measured figure as a person reads it."""
        if self.measured is None:
            return "not measured"
        text = number(self.measured, self.unit)
        # Rounding must not hide a miss: 50.04 is no "50 ms, not at most 50 ms".
        looks_met = replace(self, measured=float(text.split()[0].replace(",", ""))).met
        return text if looks_met == self.met else f"{self.measured:,.6g} {self.unit}".strip()

    def as_json(self) -> dict[str, Any]:
        """Give the target as report.json has it."""
        return {
            "name": self.name,
            "target": f"{'>=' if self.at_least else '<='} {self.bound:g} {self.unit}".strip(),
            "measured": self.measured,
            "unit": self.unit,
            "met": self.met,
            "compose": self.compose or None,
            "limited_by": self.limited_by or None,
            "evidence": self.evidence or None,
            "note": self.note or None,
        }


def number(value: float, unit: str) -> str:
    """Write a figure with the digits that are significant, and its unit."""
    if value == 0 or float(value).is_integer():
        digits = f"{value:,.0f}"
    elif value > 99 and value < 100:  # noqa: PLR2004 - 99.95 % is not 100 %
        digits = f"{value:.3f}".rstrip("0")
    else:
        digits = f"{value:,.1f}" if abs(value) >= 10 else f"{value:.2g}"  # noqa: PLR2004
    return f"{digits} {unit}".strip()


def targets(found: Assessment) -> list[Target]:
    """Compare the figures with their targets; phases that were left out on purpose have no line."""
    compared = [_judged(target) for target in _all(found) if target.name not in found.left_out]
    return compared if found.of_users_api else [replace(target, compose="") for target in compared]


def _judged(target: Target) -> Target:
    """Remove the reasons for a miss from a target that is met: they are about something else."""
    return replace(target, limited_by="", evidence="") if target.met else target


def _all(found: Assessment) -> Iterator[Target]:
    cached = found.response.cached if found.response else None
    mean, p95 = (cached.mean_ms, cached.p95_ms) if cached else (None, None)
    names = RESPONSE if CACHED[0] in found.left_out else CACHED
    yield Target(names[0], CACHED_MEAN_MS, "ms", mean, compose=COMPOSE["response"])
    yield Target(names[1], P95_TARGET_MS, "ms", p95)
    yield from _writes(found.writes) if found.of_users_api else _written(found.written)
    yield _throughput(found.throughput)
    yield _availability(found.availability)
    counts = list(found.spread.counts.values()) if found.spread else None
    answering = None if counts is None else sum(count > 0 for count in counts)
    yield Target(SPREAD[0], REPLICAS, "", answering, at_least=True)
    yield _evenness(found.spread)
    yield from _scaling(found.scaling)
    hits = found.caches.hit_percent if found.caches else None
    yield Target(CACHES, CACHE_HIT_PERCENT, "%", hits, at_least=True)
    yield _limiter(found.limiter)


def _writes(found: Writes | None) -> Iterator[Target]:
    p95, failures, own, age = WRITES
    if found is None:
        yield Target(p95, P95_TARGET_MS, "ms", None)
        yield Target(failures, 0, "", None)
        yield Target(own, 0, "", None)
        yield Target(age, MAX_STALENESS_SECONDS, "s", None)
        return
    yield Target(p95, P95_TARGET_MS, "ms", found.both.p95_ms, note=f"of {found.both.requests:,}")
    reasons = ", ".join(f"{count:,} x {reason}" for reason, count in found.reasons.items())
    yield Target(failures, 0, "", found.both.failed, limited_by="errors" if reasons else "", evidence=reasons)
    yield Target(own, 0, "", found.own.lacking if found.own.telling else None, note=found.own.words)
    others = found.others
    measured = others.oldest_seconds if found.by_another_client and others.telling else None
    why = "" if found.by_another_client else "; LIMITED_TOKEN is of no client that may read so often"
    yield Target(age, MAX_STALENESS_SECONDS, "s", measured, note=others.words + why)


def _written(found: Written | None) -> Iterator[Target]:
    p95, failures = WRITTEN
    if found is None:
        yield Target(p95, P95_TARGET_MS, "ms", None)
        yield Target(failures, 0, "", None)
        return
    yield Target(p95, P95_TARGET_MS, "ms", found.latency.p95_ms, note=f"of {found.latency.requests:,}")
    reasons = ", ".join(f"{count:,} x {reason}" for reason, count in found.reasons.items())
    yield Target(failures, 0, "", found.latency.failed, limited_by="errors" if reasons else "", evidence=reasons)


def _availability(found: Availability | None) -> Target:
    name, compose = "availability while pods are replaced and one is killed", COMPOSE["availability"]
    if found is None:
        return Target(name, AVAILABILITY_PERCENT, "%", None, at_least=True, compose=compose)
    return Target(
        name,
        AVAILABILITY_PERCENT,
        "%",
        found.percent,
        at_least=True,
        compose=compose,
        note=f"{found.failed:,} of {found.requests:,} requests failed",
        limited_by="errors" if found.percent < AVAILABILITY_PERCENT else "",
        evidence=", ".join(f"{count:,} x {reason}" for reason, count in found.reasons.items()),
    )


def _scaling(found: Scaling | None) -> Iterator[Target]:
    replicas, first = SCALING
    if found is None:
        yield Target(replicas, REPLICAS, "", None, at_least=True)
        yield Target(first, FIRST_READY_SECONDS, "s", None)
        return
    yield Target(
        replicas,
        found.ramp.replicas,
        "",
        found.peak_ready,
        at_least=True,
        note=f"from {found.ramp.minimum}, for {found.ramp.peak:,} requests a second",
        evidence=found.reason,
    )
    asked, wanted, ready = found.asked_seconds, found.wanted_seconds, found.ready_seconds
    told = "" if wanted is None else f"asked for {asked:.0f} s after the rise began, wanted after {wanted:.0f} s"
    yield Target(first, FIRST_READY_SECONDS, "s", None if ready is None else max(0.0, ready - asked), note=told)


def _limiter(found: Limiter | None) -> Target:
    name = LIMITER
    if found is None:
        return Target(name, LIMITER_ERROR_PERCENT, "%", None)
    through = ", then ".join(map(str, found.by_window))
    limit = f"a limit of {found.limit} in {found.window_seconds:g} s, over {found.replicas} replicas"
    return Target(name, LIMITER_ERROR_PERCENT, "%", found.error_percent, note=f"{through} let through of {limit}")


def _throughput(found: Throughput | None) -> Target:
    name = "throughput held with p95 under 50 ms and no error"
    if found is None:
        return Target(name, RATE_TARGET, "req/s", None, at_least=True, compose=COMPOSE["throughput"])
    last = (found.hold, found.by_k6)
    held = max((step.rate for step in last if step.held), default=0)
    highest = max((step.rate for step in [*found.holds, *found.steps] if step.held), default=0)
    failed = [step for step in [*found.holds, *found.steps] if step.limit and step.rate >= held]
    # Rather of the rates above all that were held: one that was held at the second try was spoilt by something else.
    missed = [step for step in failed if step.rate > highest] or failed
    limit = min(missed, key=lambda step: step.rate).limit if missed and held < RATE_TARGET else None
    return Target(
        name,
        RATE_TARGET,
        "req/s",
        float(held or highest),
        at_least=True,
        compose=COMPOSE["throughput"],
        note="; ".join(map(_held_for_long, last)),
        limited_by=limit.part if limit else "",
        evidence=limit.evidence if limit else "",
    )


def _held_for_long(step: Step) -> str:
    p95 = "no answer" if step.latency.p95_ms is None else f"p95 {step.latency.p95_ms:.1f} ms"
    said = f"{step.rate:,} req/s by {step.generator} for {step.seconds:.0f} s: {p95}"
    return said if step.held else f"{said}, not held for so long"


def _evenness(found: Spread | None) -> Target:
    name, unit = SPREAD[1], "(Cohen's w)"
    if found is None:
        return Target(name, SMALL_EFFECT, unit, None)
    test = f"chi-squared {found.statistic:.1f} of {len(found.counts)} replicas, p = {found.p_value:.2g}"
    # Few answers are spread unevenly by chance alone. Rounded up, so that the bound shown is the one that holds.
    by_chance = math.ceil(found.effect_by_chance(P_VALUE) * 100) / 100
    if by_chance > SMALL_EFFECT:
        answers = sum(found.counts.values())
        test += f"; among {answers:,} answers chance makes it {by_chance} once in {1 / P_VALUE:.0f} runs"
    return Target(name, max(SMALL_EFFECT, by_chance), unit, found.effect, note=test)
