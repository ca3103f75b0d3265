import time
from collections import deque
from dataclasses import dataclass, field

from k8s.client.application import USERS_API, Application
from loadtests.watch.snapshot import Fleet, Traffic

# As many columns as a wide terminal has for them.
KEPT = 240


@dataclass
class History:
    """What was seen since the start: the newest values for the lines, the extremes for the summary."""

    application: Application = USERS_API
    started_at: float = field(default_factory=time.time)
    wanted: deque[float] = field(default_factory=lambda: deque(maxlen=KEPT))
    ready: deque[float] = field(default_factory=lambda: deque(maxlen=KEPT))
    rate: deque[float] = field(default_factory=lambda: deque(maxlen=KEPT))
    p95_ms: deque[float] = field(default_factory=lambda: deque(maxlen=KEPT))
    first_ready: int | None = None
    most_ready: int = 0
    highest_rate: float = 0
    highest_p95_ms: float | None = None
    highest_failed: float = 0

    def add_fleet(self, fleet: Fleet) -> None:
        """Keep one look at the replicas."""
        self.wanted.append(fleet.wanted)
        self.ready.append(fleet.ready)
        if self.first_ready is None:
            self.first_ready = fleet.ready
        self.most_ready = max(self.most_ready, fleet.ready)

    def add_traffic(self, traffic: Traffic) -> None:
        """Keep one look at the requests."""
        self.rate.append(traffic.rate)
        self.highest_rate = max(self.highest_rate, traffic.rate)
        self.highest_failed = max(self.highest_failed, traffic.failed)
        if traffic.p95_ms is not None:
            self.p95_ms.append(traffic.p95_ms)
            self.highest_p95_ms = max(self.highest_p95_ms or 0, traffic.p95_ms)

    def summary(self) -> str:
        """Say in a few lines what there was to see."""
        if self.first_ready is None:
            return "nothing was seen: the cluster did not answer"
        p95 = "unknown" if self.highest_p95_ms is None else f"{self.highest_p95_ms:.1f} ms at most"
        rate = f"{self.highest_rate:.1f}/s at most"
        lacks = self.application.lacks
        failed = lacks("metrics.requests", "metrics.status") or f"{self.highest_failed:.1f}/s at most"
        return "\n".join(
            [
                f"watched for {time.time() - self.started_at:.0f} s",
                f"replicas ready: {self.first_ready} at first, {self.most_ready} at most, {self.ready[-1]:.0f} at last",
                f"requests: {lacks('metrics.requests') or rate}; failed (5xx): {failed}",
                f"p95: {lacks('metrics.duration') or p95}",
            ]
        )
