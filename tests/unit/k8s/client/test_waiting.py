import math

import pytest

from k8s.client.waiting import NotInTimeError, seconds_until, wait_until


def test_what_holds_is_given_back() -> None:
    """Observing goes on until it holds, and the observation that did is returned."""
    seen = iter(range(10))
    assert wait_until(lambda: next(seen), lambda count: count == 1, 60, "one") == 1
    assert next(seen) == 2


def test_what_never_holds_is_told_with_the_last_observation() -> None:
    """The message says what was waited for, how long, and what there was instead."""
    with pytest.raises(NotInTimeError, match="two replicas: not within 0 s, but 1"):
        wait_until(lambda: 1, lambda count: count == 2, 0, "two replicas")


def test_seconds_until_are_none_where_it_never_holds() -> None:
    """A time that was not reached is not a number."""
    assert seconds_until(lambda: True, 60) >= 0
    assert math.isnan(seconds_until(lambda: False, 0))
