import math
from collections.abc import Callable
from dataclasses import dataclass
from statistics import fmean, median, stdev

from loadtests.errors import LoadTestError

# Student's t for 95 %, by how many figures there are.
_T = {2: 12.706, 3: 4.303, 4: 3.182, 5: 2.776, 6: 2.571, 7: 2.447, 8: 2.365, 9: 2.306, 10: 2.262}

Held = Callable[[float], bool]


@dataclass(frozen=True)
class Effort:
    """How exactly the capacity is wanted, and what may be spent on it."""

    precision: float = 0.04
    """A round ends when the lowest rate that was not held is at most this share above the highest that was."""
    spread: float = 0.05
    """Enough, as half of the 95 % interval by the mean."""
    fewest_rounds: int = 3
    most_rounds: int = 8
    tries: int = 2
    """A rate that was not held so often is not held: other work spoils one, and makes none better."""
    lowest: float = 0.1
    highest: float = 20_000
    """What is above or below this is no capacity of a replica."""


@dataclass(frozen=True)
class Capacity:
    """What a replica holds, in requests a second, as each round found it."""

    rounds: tuple[float, ...]
    is_enough: bool
    """Whether the spread is as small as was wanted."""

    @property
    def rate(self) -> float:
        """The mean."""
        return fmean(self.rounds)

    @property
    def spread(self) -> float:
        """Half of the 95 % interval, as a share of the mean."""
        return spread_of(self.rounds)

    @property
    def low(self) -> float:
        """The interval's lower end, but no lower than any round: there are few of them."""
        return max(self.rate * (1 - self.spread), min(self.rounds))


def spread_of(rates: tuple[float, ...]) -> float:
    """Half of the 95 % interval of their mean, as a share of it; infinite for one."""
    if len(rates) not in _T:
        return math.inf
    return _T[len(rates)] * stdev(rates) / math.sqrt(len(rates)) / fmean(rates)


def find_capacity(held: Held, first_rate: float, effort: Effort) -> Capacity:
    """Search the edge from far, then from the median of what was found, until the rounds agree.

    Raises:
        LoadTestError: the edge is not where a replica's can be.
    """
    rounds = [edge(_surely(held, effort), first_rate, 2, effort)]
    while len(rounds) < effort.most_rounds:
        rounds.append(another_round(held, median(rounds), effort))
        if len(rounds) >= effort.fewest_rounds and spread_of(tuple(rounds)) <= effort.spread:
            return Capacity(tuple(rounds), is_enough=True)
    return Capacity(tuple(rounds), is_enough=False)


def another_round(held: Held, found: float, effort: Effort) -> float:
    """Find the edge once more, in small steps from where it was found.

    Raises:
        LoadTestError: as of `find_capacity`.
    """
    return edge(_surely(held, effort), found, 1 + 2 * effort.precision, effort)


def _surely(held: Held, effort: Effort) -> Held:
    return lambda rate: any(held(rate) for _ in range(effort.tries))


def edge(held: Held, start: float, growth: float, effort: Effort) -> float:
    """Walk from `start` to the first rate on the other side of the edge, then halve the interval around it.

    Raises:
        LoadTestError: there is none between the lowest and the highest.
    """
    low = high = start
    if held(start):
        while held(high := low * growth):
            low = high
            if high > effort.highest:
                raise LoadTestError(f"{high:,.0f} requests/s a replica are held: that is no application's limit")
    else:
        while not held(low := high / growth):
            high = low
            if low < effort.lowest:
                raise LoadTestError(f"not even {low:.2g} requests/s a replica are held: is the latency target too low?")
    while high > low * (1 + effort.precision):
        middle = math.sqrt(low * high)
        low, high = (middle, high) if held(middle) else (low, middle)
    return math.sqrt(low * high)
