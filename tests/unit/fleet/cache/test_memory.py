from hypothesis import given
from hypothesis import strategies as st

from service.fleet.cache.config import CacheConfig
from service.fleet.cache.entry import ENTRY_OVERHEAD_BYTES, Entry
from service.fleet.cache.memory import MemoryCache


def entry(size: int) -> Entry:
    """An entry of a body of `size` bytes."""
    return Entry.load(bytes(size), 0.0, CacheConfig())


def test_least_recently_used_goes_first() -> None:
    """Reading keeps an entry, the one not read longest makes room."""
    cache = MemoryCache(3 * (ENTRY_OVERHEAD_BYTES + 10))
    for key in "abc":
        cache.put(key, entry(10))
    assert cache.get("a") is not None
    cache.put("d", entry(10))
    assert cache.get("b") is None
    assert [key for key in "acd" if cache.get(key)] == ["a", "c", "d"]
    assert len(cache) == 3


def test_too_large_entries_are_not_held() -> None:
    """One entry larger than the cache does not empty it, and replaces what it supersedes by nothing."""
    cache = MemoryCache(2 * (ENTRY_OVERHEAD_BYTES + 10))
    cache.put("a", entry(10))
    cache.put("b", entry(10))
    cache.put("a", entry(10_000))
    assert cache.get("a") is None
    assert cache.get("b") is not None


def test_off() -> None:
    """A cache of no bytes holds nothing."""
    cache = MemoryCache(0)
    cache.put("a", entry(0))
    assert cache.get("a") is None


def test_clear() -> None:
    """Nothing is left after clearing."""
    cache = MemoryCache(10_000)
    cache.put("a", entry(1))
    cache.clear()
    cache.discard("a")
    assert (len(cache), cache.size_bytes) == (0, 0)


@given(st.lists(st.tuples(st.sampled_from("abcdefgh"), st.integers(0, 3000))))
def test_bytes_stay_within_the_limit(puts: list[tuple[str, int]]) -> None:
    """Whatever is put, the sum of sizes is kept right and within the limit."""
    cache = MemoryCache(5000)
    for key, size in puts:
        cache.put(key, entry(size))
        assert cache.size_bytes <= 5000
        assert cache.size_bytes == sum(held.size_bytes for held in cache._entries.values())
