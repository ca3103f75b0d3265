from dataclasses import dataclass

from loadtests.assess.writer import PACE, Pace


@dataclass(frozen=True)
class Plan:
    """How long and how hard each phase works."""

    response_rate: int = 20
    uncached_seconds: float = 15
    cached_seconds: float = 30
    written_users: int = 100
    """Enough for a p99 of creations, and of changes; only where there is a database."""
    pace: Pace = PACE
    limiter_windows: int = 2
    availability_rate: int = 50
    """Below what makes the autoscaler of the kind values add replicas."""
    settled_seconds: float = 5
    """Of load before the first disturbance and after the last."""
    scaling: bool = True
    settle_limit_seconds: float = 60
    """The longest wait, under the first step's load, for the autoscaler to have its replicas."""
    first_rate: int = 200
    step_seconds: float = 10
    precision: float = 0.1
    """The search ends when the lowest failed rate is at most this share above the highest held one."""
    tries: int = 2
    """Other work on a machine can spoil a step of ten seconds; it hardly spoils two."""
    hold_seconds: float = 60
    spread_seconds: float = 15

    @property
    def writes_seconds(self) -> float:
        """How long it takes to write users, and to look at the last of them."""
        return self.written_users / self.pace.users_per_second + 2 * self.pace.looks_at_seconds[-1]

    @property
    def about_seconds(self) -> float:
        """How long all of it takes, roughly: the search and the rollout end when they end."""
        search = 7 * self.step_seconds + self.settle_limit_seconds
        fixed = (
            self.writes_seconds
            + self.uncached_seconds
            + self.cached_seconds
            + 2 * self.hold_seconds
            + self.spread_seconds
        )
        return fixed + search + 12 * self.limiter_windows + 40 + (240 if self.scaling else 0)


FULL = Plan()
QUICK = Plan(
    uncached_seconds=4,
    cached_seconds=4,
    written_users=8,
    limiter_windows=1,
    settled_seconds=1,
    scaling=False,
    settle_limit_seconds=5,
    first_rate=100,
    step_seconds=3,
    precision=10,
    tries=1,
    hold_seconds=6,
    spread_seconds=5,
)
