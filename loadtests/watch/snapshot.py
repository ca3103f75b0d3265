from collections.abc import Mapping
from dataclasses import dataclass

from k8s.client.autoscaler import Autoscaler
from k8s.client.pod import Pod


@dataclass(frozen=True)
class Fleet:
    """The replicas and who sets their number; None: nobody does."""

    deployment: str
    wanted: int
    ready: int
    pods: tuple[Pod, ...]
    autoscaler: Autoscaler | None


@dataclass(frozen=True)
class Database:
    """What the replicas count of PostgreSQL."""

    primary_available_by_pod: Mapping[str, bool]
    statements: float
    """A second, those that requests need."""
    p95_ms: float | None
    in_use: float
    """Connections that carry a statement, of as many as `connections`."""
    connections: float
    shed: float
    """Statements a second that found no connection."""
    behind_seconds: float | None
    """The replica of the database that is furthest behind; None without one, or where that is not known."""


@dataclass(frozen=True)
class Traffic:
    """What Prometheus knows, rates in events a second; empty or None where it has no series."""

    by_status: Mapping[str, float]
    by_pod: Mapping[str, float]
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    by_cache_tier: Mapping[str, float]
    refused: float | None
    degraded: float | None
    redis_available_by_pod: Mapping[str, bool]
    database: Database | None
    """None: there is none, and each replica has users of its own."""
    oldest_scrape_seconds: float | None

    @property
    def rate(self) -> float:
        """Requests a second, whatever was answered."""
        return sum(self.by_status.values())

    @property
    def failed(self) -> float:
        """Requests a second answered with 5xx."""
        return sum(rate for status, rate in self.by_status.items() if status.startswith("5"))
