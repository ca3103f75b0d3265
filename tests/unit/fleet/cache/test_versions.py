import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.fleet.cache import versions
from service.fleet.cache.versions import (
    ABSENT,
    FOUND,
    KEPT_SECONDS,
    LAG_SECONDS,
    MARK,
    NOTHING,
    REMEMBERED_SECONDS,
    Minimums,
)
from service.fleet.cache.versions import Order as At


class Clock:
    """A monotonic clock that is set by hand."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        monkeypatch.setattr(time, "monotonic", lambda: self.now)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Set the clock by hand."""
    return Clock(monkeypatch)


def test_of_one_version_who_knows_more_is_newer() -> None:
    """A version counts more than what is known of it; there, that nothing is left is the newest."""
    assert NOTHING < At(1, MARK) < At(1, FOUND) < At(1, ABSENT) < At(2, MARK)


@given(st.lists(st.integers(0, 9), min_size=1))
def test_the_greatest_version_heard_is_the_least_there_can_be(heard: list[int]) -> None:
    """In whatever order messages come, the greatest version counts, for their key."""
    minimums = Minimums()
    for version in heard:
        minimums.hear("a", At(version, MARK))
    assert minimums.of("a") == (max(heard), MARK)
    assert minimums.of("b") == NOTHING


def test_what_was_heard_is_forgotten_after_five_seconds(clock: Clock) -> None:
    """Old versions make room when others come."""
    minimums = Minimums()
    minimums.hear("a", At(1, MARK))
    clock.now += REMEMBERED_SECONDS / 2
    minimums.hear("b", At(1, MARK))
    minimums.hear("a", At(2, MARK))
    clock.now += REMEMBERED_SECONDS / 2
    minimums.hear("c", At(1, MARK))
    assert [minimums.of(key).version for key in "abc"] == [2, 1, 1]
    clock.now += REMEMBERED_SECONDS / 2
    minimums.hear("c", At(2, MARK))
    assert [minimums.of(key).version for key in "abc"] == [0, 0, 2]


def test_memory_is_bounded(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where more is written than is remembered, loads under way are not kept, as they may miss what was forgotten."""
    monkeypatch.setattr(versions, "MAX_REMEMBERED", 2)
    minimums = Minimums()
    began = clock.now
    minimums.hear("a", At(1, MARK))
    clock.now += 1
    minimums.hear("b", At(1, MARK))
    assert minimums.cover(began)
    minimums.hear("c", At(1, MARK))
    assert len(minimums) == 2
    assert not minimums.cover(began)
    assert minimums.cover(clock.now)


def test_a_load_is_covered_while_all_that_it_may_have_missed_is_remembered(clock: Clock) -> None:
    """Not one from before a gap, and not one that took too long: its process may have paused."""
    minimums = Minimums()
    clock.now += 1
    before = clock.now
    assert minimums.cover(before)
    clock.now += 1
    minimums.miss()
    assert not minimums.cover(before)
    began = clock.now
    clock.now += KEPT_SECONDS - 0.1
    assert minimums.cover(began)
    clock.now += 0.1
    assert not minimums.cover(began)
    assert KEPT_SECONDS + LAG_SECONDS < REMEMBERED_SECONDS


def test_after_a_gap_replicas_may_show_what_was_before(clock: Clock) -> None:
    """For as long as they may lag."""
    minimums = Minimums()
    assert minimums.settling
    clock.now += LAG_SECONDS
    assert not minimums.settling
    minimums.miss()
    assert minimums.settling
