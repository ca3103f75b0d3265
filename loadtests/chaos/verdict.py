import math
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Bound:
    """A number that was measured, and how far it may go."""

    what: str
    measured: float
    at_most: float | None = None
    at_least: float | None = None
    of_time: bool = False
    """Whether it depends on how busy the machine is: short runs, which other tests run beside, are not held to it."""

    @property
    def holds(self) -> bool:
        """Whether it keeps within; what is no number never does."""
        above = self.at_least is None or self.measured >= self.at_least
        below = self.at_most is None or self.measured <= self.at_most
        return above and below and not math.isnan(self.measured)

    def __str__(self) -> str:
        limits = [("at most", self.at_most), ("at least", self.at_least)]
        said = " and ".join(f"{which} {limit:,g}" for which, limit in limits if limit is not None)
        return f"{self.what}: {self.measured:,.6g} ({said})"


def not_held(bounds: Iterable[Bound], *, times_count: bool) -> list[Bound]:
    """Those that were not kept, of all or of all but those of time."""
    return [bound for bound in bounds if not bound.holds and (times_count or not bound.of_time)]
