import asyncio
from collections.abc import Callable

import httpx
import pytest

from tests.api import TOKEN, client_of, running
from tests.redis_process import RedisProcess, free_port

pytestmark = [pytest.mark.anyio, pytest.mark.integration]


def fill(redis: RedisProcess) -> None:
    """Leave no memory for another write."""
    redis.command("CONFIG", "SET", "maxmemory-policy", "noeviction")
    redis.command("CONFIG", "SET", "maxmemory", "1")


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
        running(redis_url=redis.url, cache_l1_bytes=l1_bytes, rate_limit_requests=100_000) as app,
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
    """From the moment Redis falls silent until it is back: no 5xx, and 99 of 100 answers within 150 ms."""
    async with (
        running(redis_url=redis.url, cache_l1_bytes=0, rate_limit_requests=1_000_000) as app,
        client_of(app, **TOKEN) as client,
    ):
        loop = asyncio.get_running_loop()
        outcomes: list[tuple[int, float]] = []

        async def call(number: int) -> None:
            started = loop.time()
            response = await client.get(f"/api/users/{number % 900 + 1}")
            outcomes.append((response.status_code, loop.time() - started))

        async def load(seconds: float) -> None:
            calls: list[asyncio.Future[None]] = []
            ends = loop.time() + seconds
            while loop.time() < ends:
                calls.append(asyncio.ensure_future(call(len(calls))))
                await asyncio.sleep(0.005)
            await asyncio.gather(*calls)

        await load(0.5)
        redis.blackhole()
        outcomes.clear()
        await load(3.0)
        assert {status for status, _ in outcomes} == {200}
        assert sorted(seconds for _, seconds in outcomes)[int(len(outcomes) * 0.99)] <= 0.15
        assert await degraded(client)
        redis.resume()
        async with asyncio.timeout(10):
            while await degraded(client):  # noqa: ASYNC110 - it ends in another process
                await asyncio.sleep(0.1)


async def degraded(client: httpx.AsyncClient) -> bool:
    """What /readyz says of Redis."""
    return bool((await client.get("/readyz?verbose")).json()["degraded"])
