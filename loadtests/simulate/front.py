"""Which settings are worth their price: no other is cheaper or has more capacity, without turning more often."""

from collections.abc import Mapping, Sequence
from math import hypot

from loadtests.simulate.account import Outcome

# Shares this close are the run's own noise: the same settings, run twice, differed by 2.4 % of pod-hours at most.
SAME_SHARE = 0.03
# Repetitions say themselves how far to trust their mean: within twice its standard error nothing is said to differ.
SAME_ERRORS = 2
# One change of direction in one of the day's slices stands for six.
SAME_TURNS = 6


def front(outcomes: Mapping[str, Outcome]) -> list[str]:
    """Name the settings that no other beats, cheapest first."""
    best = [
        name
        for name, mine in outcomes.items()
        if not any(_beats(other, mine) for other in outcomes.values() if other is not mine)
    ]
    return sorted(best, key=lambda name: outcomes[name].pod_hours)


def better(outcomes: Sequence[Mapping[str, Outcome]], name: str) -> list[str]:
    """Name the settings that beat `name` in one scenario and are beaten by it in none."""
    others = [other for other in outcomes[0] if other != name]
    return [
        other
        for other in others
        if any(_beats(each[other], each[name]) for each in outcomes)
        and not any(_worse(each[other], each[name]) for each in outcomes)
    ]


def _beats(other: Outcome, mine: Outcome) -> bool:
    """No worse in any way, and clearly better in one."""
    return not _worse(other, mine) and (_cheaper(other, mine) or _holds_more(other, mine))


def _worse(other: Outcome, mine: Outcome) -> bool:
    if other.turns > mine.turns + SAME_TURNS:
        return True  # every turn ends pods that are wanted again
    return _cheaper(mine, other) or _holds_more(mine, other)


def _cheaper(one: Outcome, other: Outcome) -> bool:
    return other.pod_hours - one.pod_hours > SAME_SHARE * other.pod_hours


def _holds_more(one: Outcome, other: Outcome) -> bool:
    noise = SAME_ERRORS * hypot(one.over_capacity_error, other.over_capacity_error)
    return other.over_capacity - one.over_capacity > max(SAME_SHARE * other.over_capacity, noise)
