from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Pod:
    """One replica; `state` is a word for people: Ready, Starting, Stopping, or why its container waits."""

    name: str
    node: str | None
    state: str
    is_ready: bool
    created_at: float
    restarts: int


@dataclass(frozen=True)
class Target:
    """What the autoscaler sees of one metric, beside what it wants; None: it sees nothing yet."""

    name: str
    current: float | None
    wanted: float
    unit: str


@dataclass(frozen=True)
class Condition:
    """What the autoscaler says of itself: AbleToScale, ScalingActive, ScalingLimited, or KEDA's Fallback."""

    kind: str
    is_true: bool
    reason: str
    message: str

    @property
    def is_fault(self) -> bool:
        """Whether it hinders scaling; at its least or most replicas an autoscaler is limited as it should be."""
        return self.is_true if self.kind == "Fallback" else not self.is_true and self.kind != "ScalingLimited"


@dataclass(frozen=True)
class Autoscaler:
    """The HorizontalPodAutoscaler, made by the chart or by KEDA."""

    minimum: int
    maximum: int
    targets: tuple[Target, ...]
    conditions: tuple[Condition, ...]
    last_scaled_at: float | None


@dataclass(frozen=True)
class Fleet:
    """The replicas and who sets their number; None: nobody does."""

    deployment: str
    wanted: int
    ready: int
    pods: tuple[Pod, ...]
    autoscaler: Autoscaler | None


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
    oldest_scrape_seconds: float | None

    @property
    def rate(self) -> float:
        """Requests a second, whatever was answered."""
        return sum(self.by_status.values())

    @property
    def failed(self) -> float:
        """Requests a second answered with 5xx."""
        return sum(rate for status, rate in self.by_status.items() if status.startswith("5"))


@dataclass(frozen=True)
class Event:
    """One event of the release's namespace; `at` is its last time, in Unix seconds."""

    at: float
    about: str
    reason: str
    message: str
    is_warning: bool
    times: int
