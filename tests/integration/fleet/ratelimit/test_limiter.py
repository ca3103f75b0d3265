import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from service.fleet.ratelimit import RateLimiter
from service.fleet.ratelimit.lease import Lease
from service.fleet.redis_client import RedisClient, RedisConfig
from tests.every_error import EVERY_ERROR
from tests.observe import sample, until
from tests.redis_process import PATIENT_SECONDS, RedisProcess

pytestmark = [pytest.mark.anyio, pytest.mark.integration]

HOUR_SECONDS = 3600
"""A window in which no lease ends, however long the machine pauses."""


@asynccontextmanager
async def limiting(redis: RedisProcess, *, replicas: int = 3, local_keys: int = 100) -> AsyncIterator[RateLimiter]:
    """A started limiter with a Redis client of its own, as one process has."""
    client = RedisClient(RedisConfig(url=redis.url, call_timeout_seconds=PATIENT_SECONDS))
    limiter = RateLimiter(client, replicas=replicas, local_keys=local_keys)
    await client.start()
    await limiter.start()
    try:
        yield limiter
    finally:
        await limiter.aclose()
        await client.aclose()


def lease_of(limiter: RateLimiter, key: str) -> Lease:
    """What the limiter holds of `key`."""
    return next(lease for (name, _, _), lease in limiter._leases.items() if name == key)


async def test_the_21st_is_refused(redis: RedisProcess) -> None:
    """Of a limit of 20, over three limiters, 20 pass with remaining counting down; the 21st learns when to retry."""
    async with limiting(redis) as first, limiting(redis) as second, limiting(redis) as third:
        limiters = (first, second, third)
        decisions = [await limiters[number % 3].decide("key", 20, HOUR_SECONDS) for number in range(21)]
        assert [decision.allowed for decision in decisions] == [True] * 20 + [False]
        assert [decision.remaining for decision in decisions] == [*range(19, -1, -1), 0]
        assert HOUR_SECONDS - 60 <= decisions[-1].reset_seconds <= HOUR_SECONDS
        before = sample("users_api_rate_limit_leases_total", outcome="refused")
        assert not (await limiters[20 % 3].decide("key", 20, HOUR_SECONDS)).allowed
        assert sample("users_api_rate_limit_leases_total", outcome="refused") == before


async def test_concurrent_requests_share_one_trip(redis: RedisProcess) -> None:
    """Of 50 at once, exactly the limit passes, first come first served, for a trip or two."""
    async with limiting(redis) as limiter:
        before = sample("users_api_rate_limit_leases_total", outcome="granted")
        decisions = await asyncio.gather(*(limiter.decide("key", 20, 60) for _ in range(50)))
        assert [decision.allowed for decision in decisions] == [True] * 20 + [False] * 30
        assert sample("users_api_rate_limit_leases_total", outcome="granted") - before <= 2


async def test_who_comes_during_a_trip_gets_the_next(redis: RedisProcess) -> None:
    """Requests that arrive while a lease is under way are served by another one right after."""
    async with limiting(redis) as limiter:
        first = asyncio.ensure_future(limiter.decide("key", 20, 60))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        others = [asyncio.ensure_future(limiter.decide("key", 20, 60)) for _ in range(3)]
        assert all(decision.allowed for decision in await asyncio.gather(first, *others))


async def test_given_up_requests_spend_nothing(redis: RedisProcess) -> None:
    """A permit leased for a request that went away serves the next one."""
    async with limiting(redis) as limiter:
        pending = [asyncio.ensure_future(limiter.decide("key", 2, 60)) for _ in range(2)]
        await asyncio.sleep(0)
        pending[0].cancel()
        assert (await pending[1]).allowed
        assert (await limiter.decide("key", 2, 60)).allowed
        assert not (await limiter.decide("key", 2, 60)).allowed


async def test_permits_come_back_after_the_window(redis: RedisProcess) -> None:
    """A window after they were spent, permits are there again."""
    async with limiting(redis) as limiter:
        assert [(await limiter.decide("key", 2, 0.5)).allowed for _ in range(3)] == [True, True, False]
        await asyncio.sleep(0.55)
        assert (await limiter.decide("key", 2, 0.5)).allowed


async def test_busy_key_costs_few_trips(redis: RedisProcess) -> None:
    """A busy key far from its limit costs less than one trip in twenty requests."""
    async with limiting(redis) as limiter:
        before = sample("users_api_rate_limit_leases_total", outcome="granted")
        for number in range(2000):
            assert (await limiter.decide("key", 1_000_000, 60)).allowed
            if number % 10 == 0:
                await asyncio.sleep(0.001)
        assert sample("users_api_rate_limit_leases_total", outcome="granted") - before < 100


async def test_unused_permits_go_back(redis: RedisProcess) -> None:
    """What one process leased and did not spend, another may spend a moment later."""
    async with limiting(redis) as first, limiting(redis) as second:
        assert (await first.decide("key", 600, 6)).allowed
        lease = lease_of(first, "key")
        await first._ask(lease, waiting=0, target=100)
        first._serve(lease)
        assert lease.permits == 100
        before = sample("users_api_rate_limit_permits_total", kind="returned")
        await until(lambda: sample("users_api_rate_limit_permits_total", kind="returned") == before + 100)
        assert lease.denied_until == 0.0
        decisions = [await second.decide("key", 600, 6) for _ in range(600)]
        assert sum(decision.allowed for decision in decisions) == 599


async def test_a_stopping_process_gives_back(redis: RedisProcess) -> None:
    """Closing a limiter returns what it holds at once."""
    async with limiting(redis) as second:
        async with limiting(redis) as first:
            await first.decide("key", 600, 60)
            lease = lease_of(first, "key")
            await first._ask(lease, waiting=0, target=100)
            first._serve(lease)
        decision = await second.decide("key", 600, 60)
        assert decision.remaining == 598


async def test_every_key_has_a_time_to_live(redis: RedisProcess) -> None:
    """No key stays in Redis for longer than its window and a little."""
    async with limiting(redis) as limiter:
        await limiter.decide("small", 20, 60)
        await limiter.decide("large", 2000, 60)
        for key in (b"fleet:permits:60:small", b"fleet:permits:60:large"):
            milliseconds = int(redis.command("PTTL", key.decode()).strip()[1:])
            assert 59_000 < milliseconds <= 62_000


async def test_local_memory_is_bounded(redis: RedisProcess) -> None:
    """However many keys come, only the most recently used are remembered."""
    async with limiting(redis, local_keys=10) as limiter:
        for number in range(50):
            await limiter.decide(f"key-{number}", 20, 60)
        assert len(limiter._leases) == 10
        await until(lambda: sample("users_api_rate_limit_local_keys") == 10)


async def test_redis_killed(redis: RedisProcess) -> None:
    """Without Redis each process allows its share of the limit, and all of it again once Redis is back."""
    async with limiting(redis, replicas=3) as limiter:
        await limiter.decide("warm", 30, 60)
        redis.kill()
        before = sample("users_api_rate_limit_degraded_total")
        decisions = [await limiter.decide("key", 30, 60) for _ in range(15)]
        assert [decision.allowed for decision in decisions] == [True] * 10 + [False] * 5
        assert sample("users_api_rate_limit_degraded_total") == before + 15
        redis.start()
        await until(lambda: limiter._redis.available)
        await asyncio.sleep(0.6)
        assert (await limiter.decide("key", 30, 60)).remaining == 29


async def test_redis_killed_after_the_limit_was_spent(redis: RedisProcess) -> None:
    """What was refused before is refused after: a Redis that goes away gives nobody a second share."""
    async with limiting(redis, replicas=3) as limiter:
        before = [(await limiter.decide("key", 30, 60)).allowed for _ in range(31)]
        assert before == [True] * 30 + [False]
        redis.kill()
        believed = lease_of(limiter, "key").denied_until
        await until(lambda: time.monotonic() >= believed)  # from then on Redis would be asked
        assert not (await limiter.decide("key", 30, 60)).allowed


async def test_redis_full(redis: RedisProcess) -> None:
    """A Redis that refuses to count is asked twice a second, and the local share holds between."""
    async with limiting(redis) as limiter:
        redis.command("CONFIG", "SET", "maxmemory-policy", "noeviction")
        redis.command("CONFIG", "SET", "maxmemory", "1")
        before = sample("users_api_rate_limit_leases_total", outcome="failed")
        decisions = [await limiter.decide("key", 30, 60) for _ in range(12)]
        assert sum(decision.allowed for decision in decisions) == 10
        assert sample("users_api_rate_limit_leases_total", outcome="failed") == before + 1


async def test_early_renewal_survives_an_outage(redis: RedisProcess) -> None:
    """While a renewal ahead of need fails, what is held is spent."""
    async with limiting(redis) as limiter:
        await limiter.decide("key", 10_000, 60)
        lease = lease_of(limiter, "key")
        await limiter._ask(lease, waiting=0, target=100)
        redis.kill()
        lease.permits = 3
        assert limiter.decide_at_once("key", 10_000, 60) is not None
        await until(lambda: not lease.renewing)
        assert limiter.decide_at_once("key", 10_000, 60) is not None
        assert lease.permits == 1
        lease.permits = 0


async def test_returning_survives_an_outage(redis: RedisProcess) -> None:
    """Permits that can't be returned are let go of."""
    async with limiting(redis) as limiter:
        await limiter.decide("key", 10_000, 60)
        lease = lease_of(limiter, "key")
        await limiter._ask(lease, waiting=0, target=100)
        limiter._serve(lease)
        redis.kill()
    assert lease.permits == 0


async def test_close_without_start(redis: RedisProcess) -> None:
    """A limiter that never started can be closed."""
    await RateLimiter(RedisClient(RedisConfig(url=redis.url)), replicas=1).aclose()


@pytest.mark.parametrize("place", ["_ask", "_run_script", "_serve"])
@pytest.mark.parametrize("error", EVERY_ERROR, ids=lambda error: type(error).__name__)
async def test_whatever_ends_a_lease_answers_who_waits(
    redis: RedisProcess, error: BaseException, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All who wait for permits get one of the local share, and a moment later Redis is asked again."""
    monkeypatch.setattr("service.fleet.ratelimit.limiter.RETRY_REDIS_SECONDS", 0.0)

    def fail(*_: object, **__: object) -> None:
        raise error

    async with limiting(redis, replicas=1) as limiter:
        with monkeypatch.context() as broken:
            broken.setattr(limiter, place, fail)
            waiting = [limiter.decide("key", 20, 60) for _ in range(10)]
            decisions = await asyncio.wait_for(asyncio.gather(*waiting), 10)
        assert [decision.allowed for decision in decisions] == [True] * 10
        degraded = sample("users_api_rate_limit_degraded_total")
        assert (await limiter.decide("key", 20, 60)).allowed
        assert sample("users_api_rate_limit_degraded_total") == degraded


async def test_a_lease_cancelled_before_it_begins_answers_who_waits(redis: RedisProcess) -> None:
    """A stopping loop may cancel the trip before its first step."""
    async with limiting(redis, replicas=1) as limiter:
        given_up, waiting = [asyncio.ensure_future(limiter.decide("key", 20, 60)) for _ in range(2)]
        await asyncio.sleep(0)
        (trip,) = limiter._jobs._tasks
        given_up.cancel()
        trip.cancel()
        assert (await asyncio.wait_for(waiting, 10)).allowed
        assert not lease_of(limiter, "key").renewing


async def test_one_bad_key_fails_alone(redis: RedisProcess) -> None:
    """A key that can't be written to Redis is limited locally, and those of the same turn by Redis."""
    async with limiting(redis) as limiter:
        before = sample("users_api_rate_limit_leases_total", outcome="granted")
        keys = ["a", "b", "\ud800", "c", "d"]
        decisions = await asyncio.wait_for(asyncio.gather(*(limiter.decide(key, 20, 60) for key in keys)), 10)
        assert all(decision.allowed for decision in decisions)
        assert sample("users_api_rate_limit_leases_total", outcome="granted") == before + 4
