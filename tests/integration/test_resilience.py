import asyncio
from collections.abc import Callable

import httpx
import pytest

from service.dev import free_port
from service.fleet.redis_client import RedisConfig
from tests.api import TOKEN, client_of, running
from tests.observe import sample, until
from tests.redis_process import HURRIED_SECONDS, RedisProcess

pytestmark = [pytest.mark.anyio, pytest.mark.integration]


def fill(redis: RedisProcess) -> None:
    """Leave no memory for another write."""
    redis.command("CONFIG", "SET", "maxmemory-policy", "noeviction")
    redis.command("CONFIG", "SET", "maxmemory", "1")


LIMITS: dict[str, object] = {"redis_call_timeout_seconds": HURRIED_SECONDS, "rate_limit_requests": 1_000_000}
TOXICS: dict[str, Callable[[RedisProcess], object]] = {
    "killed": RedisProcess.kill,
    "blackholed": RedisProcess.blackhole,
    "full": fill,
    "read-only": lambda redis: redis.command("REPLICAOF", "127.0.0.1", "1"),
}


@pytest.mark.parametrize("toxic", TOXICS)
@pytest.mark.parametrize("l1_bytes", [0, 2**24])
async def test_no_answer_is_lost(redis: RedisProcess, toxic: str, l1_bytes: int) -> None:
    """Whatever happens to Redis, from one request to the next, reads and writes are answered as before."""
    async with (
        running(redis_url=redis.url, cache_l1_bytes=l1_bytes, **LIMITS) as app,
        client_of(app, **TOKEN) as client,
    ):
        await asyncio.gather(*(client.get(f"/api/users/{number}") for number in range(1, 20)))
        TOXICS[toxic](redis)
        reads = await asyncio.gather(*(client.get(f"/api/users/{number}") for number in range(1, 100)))
        assert {response.status_code for response in reads} == {200}
        assert (await client.patch("/api/users/7", json={"name": "Changed"})).status_code == 200
        assert (await client.get("/api/users/7")).json()["name"] == "Changed"
        redis.resume() if toxic == "blackholed" else None


async def test_absent_at_boot() -> None:
    """Without Redis the service starts, is ready, says that it is degraded, and answers."""
    async with (
        running(redis_url=f"redis://127.0.0.1:{free_port()}/0") as app,
        client_of(app, **TOKEN) as client,
    ):
        ready = await client.get("/readyz?verbose")
        assert ready.status_code == 200
        assert ready.json()["degraded"] is True
        assert (await client.get("/api/users/7")).status_code == 200


async def test_redis_blackholed_under_load(redis: RedisProcess) -> None:
    """While Redis is silent nothing fails, and once that is known only the probe still waits for it.

    That 99 of 100 answers come within 150 ms meanwhile is measured on the cluster (`redis-blackholed`).
    """
    async with running(redis_url=redis.url, cache_l1_bytes=0, **LIMITS) as app, client_of(app, **TOKEN) as client:
        redis.blackhole()
        assert await statuses(client) == {200}
        await until(lambda: not app.state.redis.available)
        loop = asyncio.get_running_loop()
        started, before = loop.time(), sample("users_api_redis_failures_total", reason="timeout")
        assert await statuses(client) == {200}
        probes = 1 + (loop.time() - started) / SHORTEST_PROBE_INTERVAL_SECONDS
        assert sample("users_api_redis_failures_total", reason="timeout") - before <= probes
        assert await degraded(client)
        redis.resume()
        await until(lambda: app.state.redis.available)
        assert not await degraded(client)


SHORTEST_PROBE_INTERVAL_SECONDS = 0.8 * RedisConfig().probe_interval_seconds


async def statuses(client: httpx.AsyncClient) -> set[int]:
    """Read 300 users at an open rate, and say how that was answered."""
    calls = []
    for number in range(1, 301):
        calls.append(asyncio.ensure_future(client.get(f"/api/users/{number}")))
        await asyncio.sleep(0.005)
    return {response.status_code for response in await asyncio.gather(*calls)}


async def degraded(client: httpx.AsyncClient) -> bool:
    """What /readyz says of Redis."""
    return bool((await client.get("/readyz?verbose")).json()["degraded"])
