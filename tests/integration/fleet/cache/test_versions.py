import asyncio
import contextlib
import time
from dataclasses import replace

import pytest

from service.fleet.cache import Entry, InvalidationChannel, Loaded, TieredCache, shared
from service.fleet.cache.acknowledgements import TRUST_SECONDS
from service.fleet.cache.versions import ABSENT, FOUND, KEPT_SECONDS, MARK, NOTHING, Order
from tests.integration.fleet.cache.replica import CONFIG, KEY, NEW, REDIS_KEY, Source, age, put, replica, settle
from tests.observe import sample, until
from tests.redis_process import HURRIED_SECONDS, RedisProcess

pytestmark = [pytest.mark.anyio, pytest.mark.integration]

OLD = b'{"id":7}'


def entry(body: bytes | None, version: int) -> Entry:
    """An entry as a load makes it."""
    return Entry.load(body, 0.0, CONFIG, version=version)


async def heard(cache: TieredCache, version: int) -> None:
    """Wait until `cache` has heard of a version of KEY."""
    await until(lambda: cache._minimums.of(KEY).version == version)


async def test_a_load_that_crosses_a_write_is_repeated(redis: RedisProcess) -> None:
    """What was read before a write neither answers those who wait nor is kept, here or where the write was made."""
    source = Source()
    async with replica(redis) as first, replica(redis) as second:
        source.gate.clear()
        pending = [asyncio.ensure_future(cache.lookup(KEY, source)) for cache in (first, second)]
        await until(lambda: source.loads == 2)
        before = sample("users_api_cache_reloads_total")
        await first.wrote(KEY, *source.change())
        await heard(second, 2)
        source.gate.set()
        assert [lookup.entry.body for lookup in await asyncio.gather(*pending)] == [NEW, NEW]
        await asyncio.gather(first.aclose(), second.aclose())
        for cache in (first, second):
            held = cache.l1_entry(KEY)
            assert held is not None
            assert held.order == (2, FOUND)
        assert sample("users_api_cache_reloads_total") == before + 2
        assert (await first.shared.get(KEY)).order == (2, FOUND)


async def test_a_lagging_answer_is_not_taken_after_the_write_was_heard(redis: RedisProcess) -> None:
    """Where L2 lost the new value, what a replica still has is asked for again, fresh; so is what was deleted."""
    source = Source()
    async with replica(redis) as first, replica(redis) as second:
        source.lagging = source.now
        for value in (NEW, None):
            await first.wrote(KEY, *source.change(value))
            await heard(second, source.version)
            redis.command("DEL", REDIS_KEY)
            lookup = await second.lookup(KEY, source)
            assert (lookup.tier, lookup.entry.found, lookup.entry.body) == ("MISS", value is not None, value or b"")
            assert source.fresh_loads == 1
            await second.aclose()
            assert (await first.shared.get(KEY)).order == (source.version, ABSENT if value is None else FOUND)
            source.fresh_loads = 0


async def test_l2_says_what_is_the_least_to_take(redis: RedisProcess) -> None:
    """Who has not heard of a write, but finds its expired entry or its mark in L2, takes nothing older."""
    source = Source()
    source.lagging = source.now
    source.change()
    async with replica(redis) as cache:
        expired = entry(OLD, 2)
        expired.stored_at -= 100
        await put(cache, KEY, expired, time.monotonic())
        assert (await cache.lookup(KEY, source)).entry.body == NEW
        await cache.aclose()
        source.change()
        await cache.shared.tell(KEY, None, Order(3, MARK), time.monotonic())
        cache.forget_all()
        settle(cache)
        assert (await cache.lookup(KEY, source)).entry.order == (3, FOUND)
        assert (source.loads, source.fresh_loads) == (4, 2)


@pytest.mark.parametrize(
    ("held", "late", "kept"),
    [
        (entry(NEW, 2), entry(OLD, 1), (2, FOUND)),
        (entry(None, 2), entry(OLD, 1), (2, ABSENT)),
        (entry(None, 2), entry(NEW, 2), (2, ABSENT)),
        (entry(OLD, 1), entry(NEW, 2), (2, FOUND)),
        (entry(OLD, 1), entry(None, 2), (2, ABSENT)),
        (entry(OLD, 2**53 - 2), entry(NEW, 2**53 - 1), (2**53 - 1, FOUND)),
        (entry(OLD, 2**53 - 1), entry(NEW, 2**53 - 2), (2**53 - 1, FOUND)),
    ],
)
async def test_l2_keeps_the_newer_one(redis: RedisProcess, held: Entry, late: Entry, kept: tuple[int, int]) -> None:
    """Whoever comes last, as after a pause between load and put, the greater version stays."""
    async with replica(redis) as cache:
        await put(cache, KEY, held, time.monotonic())
        await put(cache, KEY, late, time.monotonic())
        assert (await cache.shared.get(KEY)).order == kept
        await cache.shared.tell(KEY, None, Order(kept[0], MARK), time.monotonic())
        assert (await cache.shared.get(KEY)).order == kept


async def test_what_a_failover_lost_is_replaced(redis: RedisProcess) -> None:
    """A version that the primary does not know any more gives way to what it has, in both tiers, and no other does."""
    source = Source()
    async with replica(redis) as first, replica(redis) as second:
        await first.wrote(KEY, *source.change())
        await heard(second, 2)
        source.value, source.version = OLD, 1
        expired = entry(NEW, 2)
        expired.stored_at -= 100
        await put(first, KEY, expired, time.monotonic())
        assert (await second.lookup(KEY, source)).entry.body == OLD
        await second.aclose()
        held = second.l1_entry(KEY)
        assert held is not None
        assert held.body == OLD
        assert (await second.shared.get(KEY)).order == (1, FOUND)
        await put(second, KEY, entry(NEW, 3), time.monotonic())
        await put(second, KEY, entry(OLD, 1), time.monotonic(), Order(2, FOUND))
        assert (await second.shared.get(KEY)).order == (3, FOUND)


async def test_that_there_is_none_is_asked_once(redis: RedisProcess) -> None:
    """Where a deletion is known, an answer that there is none needs no second one; nor does one kept past its time."""
    source = Source(value=None)
    async with replica(redis) as cache:
        await cache.wrote(KEY, *source.change(None))
        redis.command("DEL", REDIS_KEY)
        age(cache, 10)
        assert (await cache.lookup(KEY, source)).tier == "STALE"
        await cache.aclose()
        assert (source.loads, source.fresh_loads) == (1, 0)
        assert (await cache.shared.get(KEY)).order == (2, ABSENT)


async def test_what_may_be_too_old_is_not_kept(redis: RedisProcess) -> None:
    """An answer that its source does not vouch for goes to who asked, and into no tier."""
    source = Source(cacheable=False)
    async with replica(redis) as cache:
        assert (await cache.lookup(KEY, source)).entry.body == OLD
        await cache.aclose()
        assert cache.l1_entry(KEY) is None
        assert (await cache.shared.get(KEY)) == (None, NOTHING)


async def test_what_took_too_long_is_not_kept(redis: RedisProcess) -> None:
    """A process that paused in a load or write keeps nothing of it; of the write others learn that it was."""
    source = Source()
    async with replica(redis) as first, replica(redis) as second:
        await second.lookup(KEY, source)
        value, version, began = source.change()
        await first.wrote(KEY, value, version, began - KEPT_SECONDS)
        assert first.l1_entry(KEY) is None
        assert (await first.shared.get(KEY)) == (None, (2, MARK))
        await until(lambda: second.l1_entry(KEY) is None)
        await put(first, "users:8", entry(OLD, 1), began - KEPT_SECONDS)
        assert (await first.shared.get("users:8")) == (None, NOTHING)


async def test_what_was_put_too_late_is_taken_back(redis: RedisProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that paused just before the put removes it as soon as it notices."""
    async with replica(redis) as cache:
        recent = iter([True, False, False])
        monkeypatch.setattr(shared, "is_recent", lambda _: next(recent))
        await put(cache, KEY, entry(OLD, 1), time.monotonic())
        assert (await cache.shared.get(KEY)) == (None, NOTHING)
        await cache.shared.tell(KEY, entry(OLD, 1), Order(1, FOUND), time.monotonic())
        assert (await cache.shared.get(KEY)) == (None, NOTHING)


async def test_a_late_writer_leaves_what_is_newer(redis: RedisProcess) -> None:
    """Who tells of its write after another has told of a newer one has the newer one too."""
    source = Source()
    async with replica(redis) as first, replica(redis) as second:
        early = source.change(OLD)
        await second.wrote(KEY, *source.change())
        await heard(first, 3)
        await first.wrote(KEY, *early)
        assert first.l1_entry(KEY) is None
        assert (await first.lookup(KEY, source)).entry.body == NEW
        held = second.l1_entry(KEY)
        assert held is not None
        assert held.body == NEW


async def test_a_known_version_is_not_dropped(redis: RedisProcess) -> None:
    """Who hears of a write whose value it has already goes on hitting."""
    async with replica(redis) as cache:
        await cache.lookup(KEY, Source())
        cache.hear(KEY, Order(1, MARK))
        assert cache.l1_entry(KEY) is not None


async def test_a_cancelled_request_does_not_keep_its_write_to_itself(redis: RedisProcess) -> None:
    """Who waits for all to be told may go away: they are told."""
    source = Source()
    async with replica(redis) as first, replica(redis) as second:
        await second.lookup(KEY, source)
        telling = asyncio.ensure_future(first.wrote(KEY, *source.change()))
        await asyncio.sleep(0)
        telling.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await telling
        await heard(second, 2)
        assert (await second.lookup(KEY, source)).entry.body == NEW


async def test_what_is_older_than_known_is_not_served_on_error(redis: RedisProcess) -> None:
    """A source that fails is not hidden by what is known to be past; by the newer of what is left it is."""
    source = Source()
    async with replica(redis, replace(CONFIG, negative_ttl_seconds=60)) as cache:
        await cache.lookup(KEY, source)
        await cache.aclose()
        cache.hear(KEY, Order(2, MARK))
        source.lagging, source.failing = source.now, True
        with pytest.raises(OSError, match="gone"):
            await cache.lookup(KEY, source)
        cache._memory.put(KEY, entry(NEW, 3))
        age(cache, 100)
        lookup = await cache.lookup(KEY, source)
        assert (lookup.tier, lookup.entry.body) == ("STALE", NEW)


async def test_loads_after_a_gap_are_fresh(redis: RedisProcess) -> None:
    """Where writes may have been missed a replica that lags may show what was before; so it is not asked."""
    source = Source(lagging=Loaded(OLD, 1))
    source.change()
    async with replica(redis) as cache:
        cache.forget_all()
        assert (await cache.lookup(KEY, source)).entry.body == NEW
        assert (source.loads, source.fresh_loads) == (1, 1)


async def test_loads_after_a_gap_need_no_source_that_is_away(redis: RedisProcess) -> None:
    """What there is elsewhere answers meanwhile and is not kept; but not if something newer is known, or that it is."""
    source = Source(lagging=Loaded(OLD, 1), is_away=True)
    async with replica(redis) as cache:
        cache.forget_all()
        for _ in range(2):
            lookup = await cache.lookup(KEY, source)
            assert (lookup.tier, lookup.entry.body) == ("MISS", OLD)
        for lagging in (Loaded(OLD, 1), Loaded(None)):
            cache.hear(KEY, Order(2, MARK))
            source.lagging = lagging
            with pytest.raises(OSError, match="away"):
                await cache.lookup(KEY, source)


async def test_loads_without_redis_may_lag(redis: RedisProcess) -> None:
    """While Redis is away replicas are asked, so that reads do not hang on the primary alone."""
    source = Source(lagging=Loaded(OLD, 1))
    source.change()
    async with replica(redis, call_timeout_seconds=HURRIED_SECONDS) as cache:
        redis.kill()
        await until(lambda: not cache.shared.reachable)
        cache.distrust()  # as each attempt to listen again does
        assert (await cache.lookup(KEY, source)).entry.body == OLD
        assert (source.loads, source.fresh_loads) == (1, 0)


async def test_nobody_reads_l2_right_after_an_outage(redis: RedisProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    """What survived may be old until every process has told of its writes."""
    monkeypatch.setattr(shared, "RETURN_SECONDS", 600)
    async with replica(redis, call_timeout_seconds=HURRIED_SECONDS) as cache:
        await cache.wrote(KEY, OLD, 1, time.monotonic())
        redis.blackhole()
        await until(lambda: not cache.shared._redis.available)
        redis.resume()
        await until(lambda: cache.shared._redis.available)
        assert not cache.shared.readable
        monkeypatch.setattr(shared, "RETURN_SECONDS", 0)
        assert (await cache.shared.get(KEY)).order == (1, FOUND)


async def test_fills_wait_for_the_channel(redis: RedisProcess) -> None:
    """Who can't hear of writes fills L2 with nothing."""
    async with replica(redis, channel=False) as cache:
        await cache.lookup(KEY, Source())
        await cache.aclose()
        assert (await cache.shared.get(KEY)) == (None, NOTHING)


async def test_trust_counts_from_the_ping(redis: RedisProcess) -> None:
    """An answer that was long on its way proves nothing of what came after its question."""
    async with replica(redis, channel=False) as cache:
        channel = InvalidationChannel(cache.shared._redis, cache)
        cache.trusted_until = float("inf")
        channel._receive({"type": "pong", "data": b"1000.0"})
        assert cache.trusted_until == 1000.0 + TRUST_SECONDS


async def test_trust_that_is_over_is_not_renewed(redis: RedisProcess) -> None:
    """Whom others have stopped waiting for starts anew, with an empty L1."""
    async with replica(redis, channel=False) as cache:
        channel = InvalidationChannel(cache.shared._redis, cache)
        with pytest.raises(TimeoutError, match="too late"):
            channel._receive({"type": "pong", "data": repr(time.monotonic()).encode()})
        assert cache.trusted_until == 0.0


@pytest.mark.parametrize("data", [b"", b"users:7", b"other:users:7:", b"other:users:7:x"])
async def test_other_messages_are_ignored(redis: RedisProcess, data: bytes) -> None:
    """What no replica of this release says has no effect."""
    async with replica(redis) as cache:
        await cache.lookup(KEY, Source())
        InvalidationChannel(cache.shared._redis, cache)._receive({"type": "message", "channel": b"", "data": data})
        assert cache.l1_entry(KEY) is not None


async def test_a_write_that_redis_was_told_of_later_clears_the_memory_of_an_earlier_one(redis: RedisProcess) -> None:
    """What could not be told is forgotten once something newer was."""
    async with replica(redis) as cache:
        cache.shared._unsent[KEY] = Order(1, FOUND)
        assert (await cache.shared.get(KEY)) == (None, NOTHING)
        assert cache._known(KEY) == (1, FOUND)
        cache.shared._told(KEY, Order(0, FOUND))
        assert cache.shared.unsent == 1
        await cache.wrote(KEY, NEW, 2, time.monotonic())
        assert cache.shared.unsent == 0


async def test_a_look_up_does_not_take_what_is_older_than_known(redis: RedisProcess) -> None:
    """An L2 that still has what was before a write, of which this process has heard, is passed by."""
    source = Source()
    source.change()
    async with replica(redis) as cache:
        await put(cache, KEY, entry(OLD, 1), time.monotonic())
        cache.hear(KEY, Order(2, MARK))
        lookup = await cache.lookup(KEY, source)
        assert (lookup.tier, lookup.entry.body) == ("MISS", NEW)
