import math

import pytest

from loadtests.chaos.verdict import Bound, not_held


@pytest.mark.parametrize(
    ("bound", "holds"),
    [
        (Bound("failed", 0, at_most=0), True),
        (Bound("failed", 1, at_most=0), False),
        (Bound("requests", 9, at_least=10), False),
        (Bound("replicas", 3, at_least=2, at_most=4), True),
        (Bound("p99, ms", math.nan, at_most=150), False),
    ],
)
def test_a_bound_holds_within_its_limits(bound: Bound, *, holds: bool) -> None:
    """The limits themselves are allowed; what is no number never holds."""
    assert bound.holds is holds


def test_a_bound_says_what_was_measured_and_allowed() -> None:
    """The message has the number and its limits."""
    assert str(Bound("requests", 29_000, at_least=30_000)) == "requests: 29,000 (at least 30,000)"


def test_bounds_of_time_need_not_count() -> None:
    """A run that is not held to times still is to all else."""
    late, failed = Bound("p99, ms", 200, at_most=150, of_time=True), Bound("failed", 1, at_most=0)
    assert not_held([late, failed], times_count=False) == [failed]
    assert not_held([late, failed], times_count=True) == [late, failed]
