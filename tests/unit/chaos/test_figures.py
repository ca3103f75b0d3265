import math

import pytest

from tests.chaos.test_soak import mib_per_hour
from tests.chaos.test_steady import changes_of_direction


@pytest.mark.parametrize(
    ("wanted", "changes"),
    [
        ([], 0),
        ([2, 2, 2], 0),
        ([2, 3, 3, 6], 0),
        ([2, 4, 4, 3, 2], 1),
        ([2, 3, 2, 3, 2], 3),
        ([4, 2, 2, 3], 1),
    ],
)
def test_only_turns_count_as_changes_of_direction(wanted: list[int], changes: int) -> None:
    """Going on in the same direction is no change, nor is staying."""
    assert changes_of_direction(wanted) == changes


def test_growth_is_told_by_the_hour() -> None:
    """A pod that gains a MiB in ten minutes gains six an hour."""
    assert math.isclose(mib_per_hour([(0, 50), (300, 50.5), (600, 51)]), 6)
