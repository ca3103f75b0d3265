from collections.abc import Mapping
from dataclasses import dataclass

from loadtests.assess.parts import INGRESS, POSTGRESQL, REDIS, SERVICE
from loadtests.assess.usage import GENERATOR, REST, Usage

# A request passes five processes in turn, each of which first waits for a core. On two that are busy for so much of the
# time a piece of work waits 1.8 times as long as it takes (M/M/2), and what comes in bursts waits longer.
BUSY = 0.8
# What works for each request; the rest is there without any.
PATH = (SERVICE, REDIS, POSTGRESQL, INGRESS, GENERATOR)
# One process answers on one thread: it cannot use more than a core.
BUSY_THREAD = 0.85


@dataclass(frozen=True)
class Limit:
    """The part that was the limit, and the evidence for it from the same phase."""

    part: str
    evidence: str


def limiting_part(usage: Usage, *, reasons: Mapping[str, int], answered: float, dropped: int) -> Limit:
    """Name the part because of which a load was not answered in full and in time."""
    spent = _spent(usage)
    service, redis = (usage.busiest_pod.get(part, 0) for part in (SERVICE, REDIS))
    if reasons.get("429"):
        limit = Limit("rate limiter", f"{reasons['429']:,} requests got 429: raise config.rateLimit.requests")
    elif service >= BUSY_THREAD:
        limit = Limit(SERVICE, f"the busiest used {service:.2f} cores of the one that its process can; {spent}")
    elif redis >= BUSY_THREAD:
        limit = Limit(REDIS, f"it used {redis:.2f} cores of the one that it can; {spent}")
    elif usage.parts.get(GENERATOR, 0) >= BUSY_THREAD * usage.generator_cores:
        limit = Limit(GENERATOR, f"{dropped:,} requests were not sent, and others late; {spent}")
    elif usage.host_busy >= BUSY * usage.host_cores:
        limit = Limit("CPU of this machine", f"{spent}{_per_request(usage, answered)}")
    elif reasons:
        listed = ", ".join(f"{count:,} x {reason}" for reason, count in reasons.items())
        limit = Limit("errors", f"{listed}; {spent}")
    else:
        limit = Limit("waiting, not CPU", f"{dropped:,} requests were not sent, and no part used its CPU up; {spent}")
    return limit


def _spent(usage: Usage) -> str:
    parts = ", ".join(f"{name} {cores:.2f}" for name, cores in shares(usage))
    shared = ", which has all nodes and the load generator" if usage.pods_are_here else ""
    return f"{usage.host_busy:.2f} of {usage.host_cores} cores busy on this machine{shared}; by part: {parts}"


def shares(usage: Usage) -> list[tuple[str, float]]:
    """Cores by part, most first."""
    return sorted(usage.parts.items(), key=lambda share: -share[1])


def _per_request(usage: Usage, answered: float) -> str:
    if not answered or not usage.pods_are_here:
        return ""
    path = sum(usage.parts.get(part, 0) for part in PATH)
    others = usage.parts.get(REST, 0)
    standing = usage.host_busy - path - others
    return (
        f"; the path of a request took {path / answered * 1e6:,.0f} us of CPU each at {answered:,.0f} a second, so "
        f"{answered / path:,.0f} requests a second for each core spent on it, beside {standing:.2f} cores for the "
        f"cluster itself and the kernel, and {others:.2f} for work that has nothing to do with it"
    )
