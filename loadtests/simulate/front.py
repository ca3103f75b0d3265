"""Which settings are worth their price: no other costs less or holds more, without turning more often."""

from collections.abc import Mapping, Sequence

from loadtests.simulate.account import Outcome

# Pod-hours and shares this close are the run's own noise.
SAME_COST = 0.01
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
    cheaper = other.pod_hours < mine.pod_hours * (1 - SAME_COST)
    holds_more = other.over_capacity < mine.over_capacity * (1 - SAME_COST)
    return not _worse(other, mine) and (cheaper or holds_more)


def _worse(other: Outcome, mine: Outcome) -> bool:
    if other.turns > mine.turns + SAME_TURNS:
        return True  # every turn ends pods that are wanted again
    return other.pod_hours > mine.pod_hours * (1 + SAME_COST) or other.over_capacity > mine.over_capacity * (
        1 + SAME_COST
    )
