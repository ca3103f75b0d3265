import asyncio
from collections.abc import Callable

import httpx
import pytest

from service.dev import free_port
from tests.api import TOKEN, client_of, running
from tests.redis_process import RedisProcess

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
    """While Redis is silent nothing fails, and 99 of 100 answers come within 150 ms of those that ask no Redis."""
    limits: dict[str, object] = {"cache_l1_bytes": 0, "rate_limit_requests": 1_000_000}
    async with (
        running(redis_url=redis.url, **limits) as app,
        client_of(app, **TOKEN) as client,
        running(cache_l2_enabled=False, rate_limit_enabled=False) as other,
        client_of(other, **TOKEN) as control,
    ):
        await load(1, client)
        redis.blackhole()
        silent, undisturbed = await load(3, client, control)
        assert {status for status, _ in silent} == {200}
        assert p99_seconds(silent) <= p99_seconds(undisturbed) + 0.15
        assert await degraded(client)
        redis.resume()
        async with asyncio.timeout(10):
            while await degraded(client):  # noqa: ASYNC110 - it ends in another process
                await asyncio.sleep(0.1)


Outcome = tuple[int, float]
"""A status and the seconds until it came."""


async def load(seconds: float, *clients: httpx.AsyncClient) -> list[list[Outcome]]:
    """Read users at an open rate, each in turn by all clients: one busy machine delays them all alike."""
    loop = asyncio.get_running_loop()

    async def call(client: httpx.AsyncClient, number: int) -> Outcome:
        started = loop.time()
        response = await client.get(f"/api/users/{number % 900 + 1}")
        return response.status_code, loop.time() - started

    calls: list[list[asyncio.Future[Outcome]]] = [[] for _ in clients]
    ends = loop.time() + seconds
    while loop.time() < ends:
        for client, of_client in zip(clients, calls, strict=True):
            of_client.append(asyncio.ensure_future(call(client, len(of_client))))
        await asyncio.sleep(0.01)
    return [await asyncio.gather(*of_client) for of_client in calls]


def p99_seconds(outcomes: list[Outcome]) -> float:
    """The time that 99 of 100 kept within."""
    return sorted(seconds for _, seconds in outcomes)[int(len(outcomes) * 0.99)]


async def degraded(client: httpx.AsyncClient) -> bool:
    """What /readyz says of Redis."""
    return bool((await client.get("/readyz?verbose")).json()["degraded"])
