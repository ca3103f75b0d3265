import asyncio
import socket

import pytest

from service.fleet.cache import InvalidationChannel, TieredCache, acknowledgements, invalidation, shared, versions
from service.fleet.cache.acknowledgements import TRUST_SECONDS
from service.fleet.cache.versions import NOTHING
from service.fleet.redis_client import RedisClient, RedisConfig
from tests.integration.fleet.cache.replica import CONFIG, KEY, Source, replica
from tests.observe import sample, until
from tests.redis_process import HURRIED_SECONDS, PATIENT_SECONDS, RedisProcess
from tests.tcp_proxy import TCPProxy

pytestmark = [pytest.mark.anyio, pytest.mark.integration]

UNHEARD = "users_api_cache_unheard_writes_total"


def published(redis: RedisProcess) -> int:
    """How many messages Redis was given since its statistics were reset."""
    (line,) = [line for line in redis.command("INFO", "commandstats").splitlines() if b"cmdstat_publish:" in line]
    return int(line.partition(b"calls=")[2].partition(b",")[0])


async def test_a_write_reaches_all_replicas(redis: RedisProcess) -> None:
    """After a write, here and elsewhere, in L1 and in L2, the old value is gone."""
    source = Source()
    async with replica(redis) as first, replica(redis) as second:
        await first.lookup(KEY, source)
        await second.lookup(KEY, source)
        await first.wrote(KEY, *source.change())
        assert second.l1_entry(KEY) is None
        for cache in (second, first):
            assert (await cache.lookup(KEY, source)).entry.body == source.value


async def test_a_write_waits_for_those_who_hear_late(redis: RedisProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once it is acknowledged all have heard, however slow their connections; many at once are heard as one."""
    # However long a busy machine takes for it: to hear, to be heard from, and to look.
    for module in (acknowledgements, invalidation):
        monkeypatch.setattr(module, "TRUST_SECONDS", 60.0)
    monkeypatch.setattr(versions, "REMEMBERED_SECONDS", 60.0)
    source, others = Source(), [f"users:{number}" for number in range(8, 40)]
    async with TCPProxy(redis.port) as proxy, replica(redis) as first, replica(proxy) as second:
        proxy.delay_seconds = 0.2
        await second.lookup(KEY, source)
        unheard = sample(UNHEARD)
        redis.command("CONFIG", "RESETSTAT")
        writes = [first.wrote(key, *source.change()) for key in (KEY, *others)]
        await asyncio.gather(*writes)
        assert second.l1_entry(KEY) is None
        assert all(second._minimums.of(key) > NOTHING for key in others)
        assert sample(UNHEARD) == unheard
        assert published(redis) < 1.5 * len(writes)


async def test_who_never_answers_costs_one_wait(redis: RedisProcess) -> None:
    """As does a release from before there were answers, which Redis gives each message too."""
    async with replica(redis) as first, replica(redis) as second:
        with socket.create_connection(("127.0.0.1", redis.port)) as mute:
            mute.sendall(f"SUBSCRIBE {first.shared.channel}\r\n".encode())
            assert mute.recv(100).startswith(b"*3")
            unheard = sample(UNHEARD)
            for _ in range(5):
                await first.wrote(KEY, *Source().change())
            assert 1 <= sample(UNHEARD) - unheard < 5
            assert first.shared.acknowledgements._known == {second.sender}


async def test_who_leaves_or_comes_is_known(redis: RedisProcess) -> None:
    """Who ends says so, and who begins to listen, for the first time or again."""
    async with replica(redis) as first:
        known = first.shared.acknowledgements._known
        async with replica(redis) as second:
            await until(lambda: known == {second.sender})
            await first.wrote(KEY, *Source().change())
        await until(lambda: known == set())
        async with replica(redis) as third:
            await until(lambda: known == {third.sender})
            redis.command("CLIENT", "KILL", "TYPE", "pubsub")
            await until(lambda: known == set())
            await until(lambda: first.trusted_until > 0 and third.trusted_until > 0)
            await first.wrote(KEY, *Source().change())
            assert known == {third.sender}


async def test_who_leaves_without_redis_says_nothing(redis: RedisProcess) -> None:
    """Nor does anybody answer."""
    async with replica(redis) as first, replica(redis) as second:
        channel = InvalidationChannel(second.shared._redis, second)
        redis.kill()
        channel._answer(first.sender, 1)
        await channel._answers.join()
        assert channel._unanswered == {}


async def test_own_invalidations_are_not_repeated(redis: RedisProcess) -> None:
    """What a replica wrote itself stays when its own message comes back."""
    source = Source()
    async with replica(redis) as first, replica(redis) as second:
        await first.wrote(KEY, *source.change())
        entry = (await first.lookup(KEY, source)).entry
        received = sample("users_api_cache_invalidations_total", direction="received")
        await second.wrote("users:8", *source.change())
        await until(lambda: sample("users_api_cache_invalidations_total", direction="received") > received)
        assert first.l1_entry(KEY) is entry


async def test_writes_during_an_outage_are_told_afterwards(redis: RedisProcess) -> None:
    """A write that Redis did not hear of is not undone by the L2 value that survived, here or elsewhere."""
    source = Source()
    async with replica(redis, call_timeout_seconds=HURRIED_SECONDS) as first, replica(redis) as second:
        await first.lookup(KEY, source)
        await first.aclose()
        redis.blackhole()
        await first.wrote(KEY, *source.change())
        assert first.shared.unsent == 1
        assert (await first.lookup(KEY, source)).entry.body == source.value
        redis.resume()
        await until(lambda: first.shared.unsent == 0)
        assert (await second.lookup(KEY, source)).entry.body == source.value


async def test_untold_writes_are_bounded(redis: RedisProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory of writes that Redis has not heard of is bounded; the oldest go first."""
    monkeypatch.setattr(shared, "MAX_UNSENT", 3)
    async with replica(redis, channel=False) as cache:
        redis.kill()
        for number in range(5):
            await cache.wrote(f"users:{number}", *Source().change())
        assert list(cache.shared._unsent) == ["users:2", "users:3", "users:4"]
        await cache.shared.resend()
        assert cache.shared.unsent == 3
        redis.start()
        await until(lambda: cache.shared._redis.available)
        await cache.shared.resend()
        assert cache.shared.unsent == 0


async def test_a_full_redis_hears_of_writes(redis: RedisProcess) -> None:
    """A full Redis takes no new value and forgets the old one instead, so that no replica reads what was before."""
    source = Source()
    async with replica(redis) as first, replica(redis) as second:
        await first.lookup(KEY, source)
        await first.aclose()
        redis.command("CONFIG", "SET", "maxmemory-policy", "noeviction")
        redis.command("CONFIG", "SET", "maxmemory", "1")
        await first.wrote(KEY, *source.change())
        assert first.shared.unsent == 0
        assert (await second.lookup(KEY, source)).entry.body == source.value


async def test_refused_resends_stay_and_are_few(redis: RedisProcess) -> None:
    """While Redis refuses writes the replicas try one each time and do not answer each other; then it hears of all."""
    async with replica(redis) as first, replica(redis) as second:
        redis.command("CONFIG", "SET", "min-replicas-to-write", "1")
        for number in range(20):
            await first.wrote(f"users:{number}", *Source().change())
            await second.wrote(f"users:{number}", *Source().change())
        redis.command("CONFIG", "RESETSTAT")
        await asyncio.sleep(4 * invalidation.PING_INTERVAL_SECONDS)
        assert (first.shared.unsent, second.shared.unsent) == (20, 20)
        assert 0 < published(redis) <= 2 * 6
        redis.command("CONFIG", "SET", "min-replicas-to-write", "0")
        await until(lambda: first.shared.unsent == second.shared.unsent == 0)


async def test_reconnected_channel_starts_with_an_empty_l1(redis: RedisProcess) -> None:
    """Messages may have been missed while the channel was down, so nothing from before is served."""
    source = Source()
    async with replica(redis) as cache:
        await cache.lookup(KEY, source)
        trusted_until = cache.trusted_until
        redis.command("CLIENT", "KILL", "TYPE", "pubsub")
        await until(lambda: cache.trusted_until > trusted_until)
        assert len(cache._memory) == 0


async def test_quiet_channel_stays_trusted(redis: RedisProcess) -> None:
    """With nothing to tell for longer than the trust lasts, answered pings keep L1 in use."""
    async with replica(redis) as cache:
        await cache.lookup(KEY, Source())
        await asyncio.sleep(TRUST_SECONDS + 0.3)
        assert cache.l1_entry(KEY) is not None


async def test_silent_channel_is_not_trusted(redis: RedisProcess) -> None:
    """A channel that is connected and dead is given up after 1.5 s."""
    source = Source()
    async with replica(redis) as cache:
        await cache.lookup(KEY, source)
        assert cache.l1_entry(KEY) is not None
        redis.blackhole()
        await until(lambda: cache.l1_entry(KEY) is None)
        await until(lambda: sample("users_api_cache_invalidation_channel_up") == 0)
        redis.resume()
        await until(lambda: sample("users_api_cache_invalidation_channel_up") == 1)


async def test_close_without_start(redis: RedisProcess) -> None:
    """A channel that never listened can be closed."""
    client = RedisClient(RedisConfig(url=redis.url, call_timeout_seconds=PATIENT_SECONDS))
    await InvalidationChannel(client, TieredCache(client, CONFIG)).aclose()
    await client.aclose()
