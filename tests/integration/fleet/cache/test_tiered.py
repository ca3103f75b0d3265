import asyncio
import time
from collections import Counter
from dataclasses import replace

import pytest

from service.fleet.cache import Loaded
from service.fleet.cache.shared import PUT_AT_ONCE
from service.fleet.cache.versions import NOTHING
from tests.integration.fleet.cache.replica import CONFIG, KEY, NEW, REDIS_KEY, Source, age, put, replica
from tests.observe import sample, until
from tests.redis_process import RedisProcess

pytestmark = [pytest.mark.anyio, pytest.mark.integration]


async def test_each_tier_answers_what_it_can(redis: RedisProcess) -> None:
    """The first replica loads, then has it in L1; the second finds it in L2, then has it in L1 too."""
    source = Source()
    async with replica(redis) as first, replica(redis) as second:
        assert [(await first.lookup(KEY, source)).tier for _ in range(2)] == ["MISS", "L1"]
        await first.aclose()
        assert [(await second.lookup(KEY, source)).tier for _ in range(2)] == ["L2", "L1"]
        assert source.loads == 1


async def test_stampede(redis: RedisProcess) -> None:
    """A hot key missing under 500 concurrent requests is loaded once a process."""
    source = Source(seconds=0.05)
    async with replica(redis) as first, replica(redis) as second:
        lookups = await asyncio.gather(*((first, second)[number % 2].lookup(KEY, source) for number in range(500)))
        assert source.loads <= 2
        assert Counter(lookup.tier for lookup in lookups)["MISS"] == 500


async def test_expiring_hot_key(redis: RedisProcess) -> None:
    """A hot key expiring under 500 concurrent requests is served stale and loaded once."""
    source = Source(seconds=0.05)
    async with replica(redis, replace(CONFIG, l2_enabled=False)) as cache:
        await cache.lookup(KEY, source)
        age(cache, 70)
        lookups = await asyncio.gather(*(cache.lookup(KEY, source) for _ in range(500)))
        assert {lookup.tier for lookup in lookups} == {"STALE"}
        await cache.aclose()
        assert source.loads == 2
        assert (await cache.lookup(KEY, source)).tier == "L1"


async def test_early_refresh(redis: RedisProcess) -> None:
    """Due for refresh but still fresh: served as L1 while one load runs, which the others do not notice."""
    source = Source()
    async with replica(redis, replace(CONFIG, l2_enabled=False)) as cache:
        entry = (await cache.lookup(KEY, source)).entry
        entry.refresh_at = 0.0
        assert cache.l1_entry(KEY) is None
        assert (await cache.lookup(KEY, source)).tier == "L1"
        assert cache.l1_entry(KEY) is entry
        await cache.aclose()
        assert source.loads == 2
        assert cache.l1_entry(KEY) is not entry


async def test_one_refresh_at_a_time(redis: RedisProcess) -> None:
    """While a refresh runs, stale answers start no other."""
    source = Source()
    async with replica(redis, replace(CONFIG, l2_enabled=False)) as cache:
        await cache.lookup(KEY, source)
        age(cache, 70)
        source.gate.clear()
        for _ in range(3):
            assert (await cache.lookup(KEY, source)).tier == "STALE"
            await asyncio.sleep(0)
        source.gate.set()
        await cache.aclose()
        assert source.loads == 2


async def test_stale_if_error(redis: RedisProcess) -> None:
    """A failing source is hidden by what is left, from either tier, for as long as allowed."""
    source = Source()
    async with replica(redis) as first, replica(redis) as second:
        await first.lookup(KEY, source)
        await first.aclose()
        source.failing = True
        age(first, 150)
        first.shared._unsent[KEY] = NOTHING  # as if L2 had nothing
        assert (await first.lookup(KEY, source)).tier == "STALE"
        age(first, 300)
        with pytest.raises(OSError, match="gone"):
            await first.lookup(KEY, source)
        first.shared._unsent.clear()

        stored = (await second.shared.get(KEY)).entry
        assert stored is not None
        stored.stored_at -= 100
        await put(second, KEY, stored, time.monotonic())
        assert (await second.lookup(KEY, source)).tier == "STALE"


async def test_failure_without_anything_left(redis: RedisProcess) -> None:
    """With nothing to serve instead, the source's error is the answer, for everyone who waited."""
    source = Source(failing=True)
    async with replica(redis) as cache:
        outcomes = await asyncio.gather(*(cache.lookup(KEY, source) for _ in range(5)), return_exceptions=True)
        assert all(isinstance(outcome, OSError) for outcome in outcomes)
        assert source.loads == 1


async def test_negative_entries(redis: RedisProcess) -> None:
    """That there is nothing is cached in both tiers."""
    source = Source(value=None)
    async with replica(redis) as first, replica(redis) as second:
        assert not (await first.lookup(KEY, source)).entry.found
        assert (await first.lookup(KEY, source)).tier == "L1"
        await first.aclose()
        lookup = await second.lookup(KEY, source)
        assert (lookup.tier, lookup.entry.found) == ("L2", False)


async def test_nobody_joins_a_load_from_before_a_pause(redis: RedisProcess) -> None:
    """A process that was frozen may have missed a write since a load began: who asks now has one of their own."""
    source = Source()
    async with replica(redis, channel=False) as cache:
        source.gate.clear()
        first = asyncio.ensure_future(cache.lookup(KEY, source))
        await until(lambda: source.loads == 1)
        joined = asyncio.ensure_future(cache.lookup(KEY, source))
        await asyncio.sleep(0)
        cache._flights[KEY].began = time.monotonic() - CONFIG.untrusted_seconds
        old = source.value
        source.change()
        later = asyncio.ensure_future(cache.lookup(KEY, source))
        await until(lambda: source.loads == 2)
        source.gate.set()
        assert [lookup.entry.body for lookup in await asyncio.gather(first, joined, later)] == [old, old, NEW]
        assert cache._flights == {}


async def test_look_ups_share_one_trip(redis: RedisProcess) -> None:
    """500 look-ups of one key at once cost one GET; what they find is in L1 then."""
    source = Source()
    async with replica(redis, channel=False) as first, replica(redis, channel=False) as second:
        first.trust_always()  # with no channel to ping, whatever time that takes
        second.trust_always()
        await first.lookup(KEY, source)
        await first.aclose()
        before = sample("users_api_redis_commands_total")
        lookups = await asyncio.gather(*(second.lookup(KEY, source) for _ in range(500)))
        assert {lookup.tier for lookup in lookups} == {"L2"}
        assert sample("users_api_redis_commands_total") == before + 1
        assert second.l1_entry(KEY) is lookups[0].entry
        assert source.loads == 1


async def test_fills_share_a_trip(redis: RedisProcess) -> None:
    """What is loaded while L2 is being filled is put there together, and what is no string there gives way."""
    source = Source()
    redis.command("LPUSH", REDIS_KEY.replace("7", "8"), "x")
    async with replica(redis) as first, replica(redis) as second:
        keys = [f"users:{number}" for number in range(PUT_AT_ONCE + 10)]
        await asyncio.gather(*(first.lookup(key, source) for key in keys))
        await first.aclose()
        assert redis.calls("evalsha") == 2
        lookups = await asyncio.gather(*(second.lookup(key, source) for key in keys))
        assert {lookup.tier for lookup in lookups} == {"L2"}


@pytest.mark.parametrize(
    ("written", "counted"), [(("SET", REDIS_KEY, "garbage"), True), (("LPUSH", REDIS_KEY, "x"), False)]
)
async def test_what_cannot_be_read_is_a_miss(redis: RedisProcess, written: tuple[str, ...], *, counted: bool) -> None:
    """A value of another format is loaded anew, and counted; so is a key of another type, which is not."""
    redis.command(*written)
    before = sample("users_api_cache_l2_errors_total", operation="decode")
    async with replica(redis) as cache:
        assert (await cache.lookup(KEY, Source())).tier == "MISS"
    assert sample("users_api_cache_l2_errors_total", operation="decode") == before + counted


async def test_l2_that_refuses_to_be_read_is_a_miss(redis: RedisProcess) -> None:
    """Each look-up that Redis answers with an error is loaded, and counted."""
    source = Source()
    before = sample("users_api_cache_l2_errors_total", operation="get")
    async with replica(redis) as cache:
        redis.command("ACL", "SETUSER", "default", "-mget")
        lookups = await asyncio.gather(*(cache.lookup(f"users:{number}", source) for number in range(3)))
        assert [lookup.tier for lookup in lookups] == ["MISS"] * 3
    assert sample("users_api_cache_l2_errors_total", operation="get") == before + 3


async def test_tiers_can_be_turned_off(redis: RedisProcess) -> None:
    """Without L1 everything comes from L2, without L2 nothing does."""
    source = Source()
    async with replica(redis, replace(CONFIG, l1_bytes=0)) as cache:
        await cache.lookup(KEY, source)
        await cache.aclose()
        assert [(await cache.lookup(KEY, source)).tier for _ in range(2)] == ["L2", "L2"]
    async with replica(redis, replace(CONFIG, l2_enabled=False)) as cache:
        assert not cache.shared.readable
        await cache.wrote("users:8", *source.change())
        assert redis.command("STRLEN", REDIS_KEY.replace("7", "8")) == b":10\r\n"  # a mark, for who has L2
        assert (await cache.lookup(KEY, source)).tier == "MISS"


async def test_redis_killed(redis: RedisProcess) -> None:
    """Without Redis the source answers, and L1 is believed for a second after each load only."""
    source = Source()
    async with replica(redis) as cache:
        await cache.lookup(KEY, source)
        redis.kill()
        await until(lambda: cache.l1_entry(KEY) is None)
        assert (await cache.lookup(KEY, source)).tier == "MISS"
        assert (await cache.lookup(KEY, source)).tier == "L1"
        assert source.loads == 2
        age(cache, 1.0)
        assert (await cache.lookup(KEY, source)).tier == "MISS"


async def test_redis_full(redis: RedisProcess) -> None:
    """A full Redis costs L2 its fills and nothing else."""
    async with replica(redis) as cache:
        redis.command("CONFIG", "SET", "maxmemory-policy", "noeviction")
        redis.command("CONFIG", "SET", "maxmemory", "1")
        before = sample("users_api_cache_l2_errors_total", operation="put")
        assert (await cache.lookup(KEY, Source())).tier == "MISS"
        await cache.aclose()
        assert sample("users_api_cache_l2_errors_total", operation="put") == before + 1


async def test_who_goes_away_ends_nobody_elses_look_up(redis: RedisProcess) -> None:
    """Whether the first to ask is cancelled or another: those who are left get what one of them loads."""
    source = Source()
    async with replica(redis) as cache:
        source.gate.clear()
        first, second, third, fourth = [asyncio.ensure_future(cache.lookup(KEY, source)) for _ in range(4)]
        await until(lambda: source.loads == 1)
        for gone in (first, third):
            gone.cancel()
            with pytest.raises(asyncio.CancelledError):
                await gone
        await until(lambda: source.loads == 2)
        source.gate.set()
        lookups = await asyncio.wait_for(asyncio.gather(second, fourth), 60)
        assert lookups[0] is lookups[1]
        assert source.loads == 2
        assert cache._flights == {}


async def test_a_refresh_that_never_began(redis: RedisProcess) -> None:
    """Cancelled before its first step, it leaves nobody waiting, and the next look-up works."""
    source = Source()
    async with replica(redis, replace(CONFIG, l2_enabled=False)) as cache:
        await cache.lookup(KEY, source)
        age(cache, 70)
        assert (await cache.lookup(KEY, source)).tier == "STALE"
        (refresh,) = cache._jobs._tasks
        refresh.cancel()
        cache._memory.clear()
        assert (await asyncio.wait_for(cache.lookup(KEY, source), 60)).tier == "MISS"
        assert source.loads == 2


class EndOfTheWorldError(BaseException):
    """Of a class that no `except Exception` catches."""


UNEXPECTED = [RuntimeError("x"), MemoryError(), asyncio.CancelledError(), GeneratorExit(), EndOfTheWorldError()]


@pytest.mark.parametrize("error", UNEXPECTED, ids=lambda error: type(error).__name__)
async def test_whatever_ends_a_load_answers_its_waiters(
    redis: RedisProcess, error: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All who wait for a load, or for what L2 says before it, get an Exception; the next look-up works."""

    async def fail(*_: object) -> Loaded:
        await asyncio.sleep(0.01)
        raise error

    async with replica(redis) as cache:
        with monkeypatch.context() as broken:
            for _ in range(2):
                waiting = [cache.lookup(KEY, fail) for _ in range(3)]
                outcomes = await asyncio.wait_for(asyncio.gather(*waiting, return_exceptions=True), 10)
                assert all(isinstance(outcome, Exception) for outcome in outcomes)
                broken.setattr(cache.shared, "get", fail)
        assert (await cache.lookup(KEY, Source())).entry.found
