import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from redis.exceptions import NoPermissionError, OutOfMemoryError, ReadOnlyError, RedisError, ResponseError

from service.dev import free_port
from service.fleet.redis_client import RedisClient, RedisConfig, RedisUnavailableError
from tests.observe import sample, until
from tests.redis_process import HURRIED_SECONDS, PATIENT_SECONDS, RedisProcess
from tests.tcp_proxy import TCPProxy

pytestmark = [pytest.mark.anyio, pytest.mark.integration]

# A time limit that a busy machine does not reach by itself, before the test stops the process for longer.
PAUSED_SECONDS = 1.0


@asynccontextmanager
async def connected(url: str, **options: float) -> AsyncIterator[RedisClient]:
    """A started client."""
    defaults = {"connect_timeout_seconds": PATIENT_SECONDS, "call_timeout_seconds": PATIENT_SECONDS}
    client = RedisClient(RedisConfig(url=url, **{**defaults, **options}))  # type: ignore[arg-type]
    await client.start()
    try:
        yield client
    finally:
        await client.aclose()


def failures(reason: str) -> float:
    """Calls that failed for `reason` so far."""
    return sample("users_api_redis_failures_total", reason=reason)


async def test_reads_and_writes(redis: RedisProcess) -> None:
    """What is written is read back, and a refused command raises redis-py's own error."""
    async with connected(redis.url) as client:
        assert client.available
        await client.write("SET", "key", b"value")
        assert await client.read("GET", "key") == b"value"
        with pytest.raises(ResponseError, match="wrong number of arguments"):
            await client.read("GET")


async def test_keys_of_one_turn_are_one_command(redis: RedisProcess) -> None:
    """Each caller gets its own key's value, and None for what is no string; a refusal is for all of them."""
    async with connected(redis.url) as client:
        redis.command("SET", "a", "1")
        redis.command("LPUSH", "b", "2")
        before = sample("users_api_redis_commands_total")
        assert await asyncio.gather(*map(client.get, "abc")) == [b"1", None, None]
        assert sample("users_api_redis_commands_total") == before + 1
        redis.command("ACL", "SETUSER", "default", "-mget")
        outcomes = await asyncio.gather(*map(client.get, "abc"), return_exceptions=True)
        assert [type(outcome) for outcome in outcomes] == [NoPermissionError] * 3


async def test_pool_is_prewarmed(redis: RedisProcess) -> None:
    """After start the pool's connections exist already."""
    async with connected(redis.url, pool_size=3):
        clients = redis.command("CLIENT", "LIST", "TYPE", "normal").decode().splitlines()
        assert len([line for line in clients if "cmd=client" not in line and "addr=" in line]) == 3


async def test_a_connection_that_hangs_holds_up_no_other(redis: RedisProcess) -> None:
    """Where one connection of the pool hangs at start, the others serve: Redis is there."""
    async with TCPProxy(redis.port) as proxy:
        proxy.silent = 1
        async with connected(f"redis://127.0.0.1:{proxy.port}/1", connect_timeout_seconds=2.0) as client:
            assert client.available
            assert await client.get("key") is None


async def test_a_pause_of_the_process_is_no_fault_of_redis(redis: RedisProcess) -> None:
    """A time limit that ran out while the process did not run leaves the breaker closed; one on time opens it."""
    async with TCPProxy(redis.port) as proxy:
        options = {"call_timeout_seconds": PAUSED_SECONDS, "breaker_failures": 1, "probe_interval_seconds": 600.0}
        async with connected(proxy.url, **options) as client:
            proxy.delay_seconds = 600.0
            # Whatever other tests of this process left there when their loops were closed.
            before = sample("users_api_redis_batches_in_flight")
            call = asyncio.ensure_future(client.read("GET", "key"))
            # Until the very turn in which it is sent: a busy machine pauses where it likes.
            while sample("users_api_redis_batches_in_flight") == before:  # noqa: ASYNC110 - a metric tells nobody
                await asyncio.sleep(0)
            time.sleep(1.5 * PAUSED_SECONDS)  # noqa: ASYNC251 - nothing else shall run
            with pytest.raises(RedisUnavailableError):
                await call
            assert client.available
            await until_unavailable(client)


async def until_unavailable(client: RedisClient) -> None:
    """Ask until the breaker is open: on a busy machine one time limit or another is noticed late."""
    async with asyncio.timeout(60):
        while client.available:
            with pytest.raises(RedisUnavailableError):
                await client.read("GET", "key")


async def test_killed(redis: RedisProcess) -> None:
    """Killed: calls fail, the breaker opens, and closes after its return."""
    async with connected(redis.url) as client:
        redis.kill()
        with pytest.raises(RedisUnavailableError):
            await client.read("GET", "key")
        await until(lambda: not client.available)
        assert client.state == "open"
        with pytest.raises(RedisUnavailableError, match="breaker is open"):
            await client.read("GET", "key")
        with pytest.raises(RedisUnavailableError, match="breaker is open"):
            await client.get("key")
        with pytest.raises(RedisUnavailableError, match="breaker is open"):
            await client.write("SET", "key", "value")
        redis.start()
        await until(lambda: client.available)
        assert await client.write("SET", "key", "value")


async def test_blackholed(redis: RedisProcess) -> None:
    """Blackholed: every call ends, an idle process notices, and it recovers."""
    async with connected(redis.url, call_timeout_seconds=HURRIED_SECONDS) as client:
        before = failures("timeout")
        redis.blackhole()
        outcomes = await asyncio.gather(*(client.read("GET", "key") for _ in range(50)), return_exceptions=True)
        assert all(isinstance(outcome, RedisUnavailableError) for outcome in outcomes)
        await until(lambda: not client.available)
        assert failures("timeout") > before
        redis.resume()
        await until(lambda: client.available)
        assert await client.read("PING")


async def test_absent_at_boot() -> None:
    """With no Redis at all the client starts, open, and says so."""
    async with connected(f"redis://127.0.0.1:{free_port()}/0") as client:
        assert not client.available
        with pytest.raises(RedisError):
            await client.read("GET", "key")


async def test_slow(redis: RedisProcess) -> None:
    """A Redis slower than the limit counts as absent until it is fast again."""
    async with TCPProxy(redis.port) as proxy, connected(proxy.url, breaker_failures=1) as client:
        proxy.delay_seconds = 0.03
        assert await client.read("GET", "key") is None
        proxy.delay_seconds = 2 * PATIENT_SECONDS
        await until(lambda: not client.available)
        proxy.delay_seconds = 0
        await until(lambda: client.available)


async def test_full(redis: RedisProcess) -> None:
    """A full Redis refuses writes and goes on answering reads; the breaker stays closed."""
    async with connected(redis.url) as client:
        await client.write("SET", "key", "value")
        before = failures("out_of_memory")
        redis.command("CONFIG", "SET", "maxmemory-policy", "noeviction")
        redis.command("CONFIG", "SET", "maxmemory", "1")
        with pytest.raises(OutOfMemoryError):
            await client.write("SET", "key", "other")
        assert await client.read("GET", "key") == b"value"
        assert failures("out_of_memory") == before + 1
        assert client.available


async def test_readonly_drops_the_pool(redis: RedisProcess) -> None:
    """READONLY makes the client reconnect, at most once a second, so that it may find the new primary."""
    async with connected(redis.url, pool_size=2) as client:
        before = redis.command("CLIENT", "LIST", "TYPE", "normal")
        redis.command("REPLICAOF", "127.0.0.1", "1")
        for _ in range(2):
            with pytest.raises(ReadOnlyError):
                await client.write("SET", "key", "value")
        await asyncio.sleep(0.05)
        after = redis.command("CLIENT", "LIST", "TYPE", "normal")
        identities = [
            {line.split()[0] for line in listing.decode().splitlines() if "id=" in line} for listing in (before, after)
        ]
        assert identities[0].isdisjoint(identities[1])
        redis.command("REPLICAOF", "NO", "ONE")
        assert await client.write("SET", "key", "value")


async def test_lost_connections_are_retried_for_reads_only(redis: RedisProcess) -> None:
    """A read survives the loss of its connection; a write is reported, for it may have been carried out."""
    async with TCPProxy(redis.port) as proxy, connected(proxy.url, pool_size=1, probe_interval_seconds=60) as client:
        retries = sample("users_api_redis_retries_total")
        assert await client.read("PING")

        async def lose_while(call: str) -> object:
            redis.blackhole()
            pending = asyncio.ensure_future(getattr(client, call)("GET", "key"))
            await asyncio.sleep(0.02)
            proxy.drop()
            redis.resume()
            return (await asyncio.gather(pending, return_exceptions=True))[0]

        assert await lose_while("read") is None
        assert sample("users_api_redis_retries_total") == retries + 1
        assert isinstance(await lose_while("write"), RedisUnavailableError)


async def test_breaker_opening_fails_what_waits(redis: RedisProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands still waiting for a place when the breaker opens fail without a trip."""
    monkeypatch.setattr("service.fleet.redis_client.client.LATE_SECONDS", PATIENT_SECONDS)
    async with connected(redis.url, pool_size=1, breaker_failures=1, call_timeout_seconds=HURRIED_SECONDS) as client:
        redis.blackhole()
        first = asyncio.ensure_future(client.read("GET", "a"))
        await asyncio.sleep(0.01)
        second = asyncio.ensure_future(client.read("GET", "b"))
        outcomes = await asyncio.gather(first, second, return_exceptions=True)
        assert all(isinstance(outcome, RedisUnavailableError) for outcome in outcomes)
        assert "breaker" in str(outcomes[1])
        redis.resume()


async def test_busy_client_is_not_probed(redis: RedisProcess) -> None:
    """A client that Redis has just answered sends no probe."""
    async with connected(redis.url, probe_interval_seconds=1.0) as client:
        redis.command("CONFIG", "RESETSTAT")
        for _ in range(25):
            await client.read("GET", "key")
            await asyncio.sleep(0.1)
        assert b"cmdstat_ping" not in redis.command("INFO", "commandstats")


async def test_pubsub_has_a_connection_of_its_own(redis: RedisProcess) -> None:
    """A subscription works beside a pool of one."""
    async with connected(redis.url, pool_size=1) as client, client.pubsub() as subscription:
        await subscription.subscribe("channel")
        assert (await subscription.get_message(timeout=1))["type"] == "subscribe"
        await client.write("PUBLISH", "channel", "hello")
        assert (await subscription.get_message(timeout=1))["data"] == b"hello"


async def test_close_without_start() -> None:
    """A client that never started can be closed."""
    await RedisClient(RedisConfig()).aclose()


@pytest.mark.parametrize("error", [RuntimeError("x"), MemoryError(), LookupError()], ids=lambda e: type(e).__name__)
async def test_an_error_that_redis_does_not_make_is_one_that_callers_expect(
    redis: RedisProcess, error: Exception, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever goes wrong within the client, a call raises a RedisError, and the log has the trace."""

    async def fail(_: object) -> list[object]:
        raise error

    async with connected(redis.url, probe_interval_seconds=60) as client:
        with monkeypatch.context() as broken:
            broken.setattr(client, "_round_trip", fail)
            for call in (client.read, client.write):
                with pytest.raises(RedisUnavailableError):
                    await call("GET", "key")
        assert "in a way that Redis does not" in caplog.text
        assert await client.read("PING")


async def test_text_that_is_not_unicode_fails_alone(redis: RedisProcess) -> None:
    """A command that can't be written costs none of those that leave with it."""
    async with connected(redis.url, call_timeout_seconds=5) as client:
        written = client.write("SET", "a", "1")
        with pytest.raises(RedisError):
            client.write("SET", "b", "\ud800")
        assert all(await asyncio.gather(written, client.read("PING")))
