from collections.abc import Mapping
from dataclasses import dataclass, field, fields


@dataclass(frozen=True)
class Step:
    """What followed one step in load: each link of the chain, in seconds after the step; None: it was not seen.

    They need not come in this order: CPU may make the autoscaler decide before the request rate does.
    """

    scraped: float | None
    """Prometheus has the first sample that holds the new rate."""
    crossed: float | None
    """The value of a query is above what the replicas there are may bear, tolerance included."""
    external: float | None
    """The external metrics API (KEDA) says so."""
    decided: float | None
    """The autoscaler wants more replicas."""
    created: float | None
    """The first new pod exists."""
    scheduled: float | None
    """It has a node."""
    started: float | None
    """Its container runs."""
    ready: float | None
    """It is Ready."""
    answered: float | None
    """A client has the first answer of a new pod."""
    signals: Mapping[str, float | None] = field(default_factory=dict)
    """When each of the queries was above what may be borne; the first of them is `crossed`."""
    reason: str = ""
    """Why the autoscaler decided, in its own words."""
    requests: int = 0
    """Since the step."""
    failed: int = 0
    """Of these."""
    reasons: Mapping[str, int] = field(default_factory=dict)
    """How many of them failed with which status or error."""


_BESIDE = {"signals", "reason", "requests", "failed", "reasons"}
LINKS = tuple(field.name for field in fields(Step) if field.name not in _BESIDE)


def spent(step: Step) -> dict[str, float | None]:
    """Seconds that each link took after the latest one before it; 0 where it was there already."""
    own: dict[str, float | None] = {}
    before = 0.0
    for name in LINKS:
        at: float | None = getattr(step, name)
        own[name] = None if at is None else max(0.0, at - before)
        before = max(before, at or 0.0)
    return own
