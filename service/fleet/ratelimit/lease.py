import asyncio
import math
from collections import deque
from dataclasses import dataclass, field

from .decision import Decision

SLOTS_PER_WINDOW = 60
# Up to this limit the log in Redis is exact to the millisecond: no hash gets more fields than slots.
EXACT_LIMIT = SLOTS_PER_WINDOW
# No process ever holds more than this share of a limit, so what a stopped process takes with it stays in the 2 %.
MAX_LEASE_SHARE = 0.01


@dataclass(slots=True, eq=False)
class Lease:
    """What one process holds of one key's limit. Times are of the monotonic clock, in seconds."""

    redis_key: str
    limit: int
    window_seconds: float
    slot_seconds: float
    permits: int = 0
    expires_at: float = 0.0
    slot: bytes = b"0"
    size: int = 1
    leased_at: float = 0.0
    taken: int = 0
    denied_until: float = 0.0
    global_remaining: int = 0
    reset_at: float = 0.0
    retry_redis_at: float = 0.0
    local_window_ends_at: float = 0.0
    local_taken: int = 0
    waiters: deque[asyncio.Future[Decision]] = field(default_factory=deque)
    renewing: bool = False

    @classmethod
    def of(cls, redis_key: str, limit: int, window_seconds: float) -> "Lease":
        """A lease of nothing yet on `limit` requests per `window_seconds`, which Redis counts at `redis_key`."""
        return cls(
            redis_key=redis_key,
            limit=limit,
            window_seconds=window_seconds,
            slot_seconds=0.001 if limit <= EXACT_LIMIT else window_seconds / SLOTS_PER_WINDOW,
            global_remaining=limit,
        )

    @property
    def lifetime_seconds(self) -> float:
        """How long leased permits may lie unused before they go back, and how long a refusal is believed."""
        return self.window_seconds / SLOTS_PER_WINDOW

    def take(self, now: float) -> Decision | None:
        """Spend a held permit, or repeat a fresh refusal; None where Redis has to be asked."""
        if self.permits and now < self.expires_at:
            self.permits -= 1
            self.taken += 1
            return self.decide(now, allowed=True)
        if now < self.denied_until:
            return self.decide(now, allowed=False)
        return None

    def take_local(self, now: float, share: int) -> Decision:
        """Spend one of this process's share of the limit: Redis could not be asked.

        What Redis said last goes on to hold: a limit that was spent comes back no sooner than it said.
        """
        if not self.global_remaining and now < self.reset_at:
            return self.decide(now, allowed=False)
        if now >= self.local_window_ends_at:
            self.local_window_ends_at = now + self.window_seconds
            self.local_taken = 0
        allowed = self.local_taken < share
        self.local_taken += allowed
        return Decision(allowed, self.limit, share - self.local_taken, math.ceil(self.local_window_ends_at - now))

    def decide(self, now: float, *, allowed: bool) -> Decision:
        """The decision as a client is told it: capped to the window, at least a second after a refusal."""
        reset = max(0 if allowed else 1, math.ceil(min(self.reset_at - now, self.window_seconds)))
        return Decision(allowed, self.limit, self.global_remaining + self.permits if allowed else 0, reset)

    def next_size(self, now: float) -> int:
        """Permits worth asking for: half a lifetime's need at the present rate, growing at most twofold."""
        rate = self.taken / max(now - self.leased_at, 0.001)
        need = int(rate * self.lifetime_seconds / 2)
        return max(1, min(need, 2 * self.size, int(self.limit * MAX_LEASE_SHARE)))

    def runs_low(self) -> bool:
        """Time to renew ahead of need. Not for small leases: near the limit each permit counts."""
        return self.size >= 8 and self.permits <= self.size // 4  # noqa: PLR2004
