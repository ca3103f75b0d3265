from unittest import mock

import pytest

from service.fleet.cache.config import CacheConfig
from service.fleet.cache.entry import Entry, early

CONFIG = CacheConfig(ttl_seconds=60, negative_ttl_seconds=5, stale_seconds=30, stale_if_error_seconds=300)


def test_times_are_jittered() -> None:
    """Entries loaded together expire apart, within a tenth of the TTL."""
    lifetimes = {Entry.load(b"x", 0.0, CONFIG).fresh_seconds for _ in range(100)}
    assert len(lifetimes) > 90
    assert all(54 <= seconds <= 66 for seconds in lifetimes)


def test_negative_entries_live_shorter() -> None:
    """That there is nothing is believed for the negative TTL."""
    entry = Entry.load(None, 0.0, CONFIG)
    assert not entry.found
    assert entry.fresh_seconds <= 5.5


def test_order_of_times() -> None:
    """Refresh comes before expiry, then stale, then stale on error."""
    entry = Entry.load(b"x", 0.5, CONFIG)
    assert entry.refresh_at <= entry.fresh_until < entry.stale_until < entry.error_until


@pytest.mark.parametrize(("drawn", "seconds"), [(0.0, 0.0), (1 - 2.718281828459045**-2, 4.0)])
def test_early_refresh_is_exponential(drawn: float, seconds: float) -> None:
    """The head start is the load time times an exponential draw."""
    with mock.patch("random.random", return_value=drawn):
        assert early(2.0) == pytest.approx(seconds)
