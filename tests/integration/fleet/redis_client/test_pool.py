import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError

from service.dev import free_port
from service.fleet.redis_client.pool import LeanPool
from tests.redis_process import RedisProcess

pytestmark = [pytest.mark.anyio, pytest.mark.integration]


@asynccontextmanager
async def pool_of(url: str, size: int) -> AsyncIterator[LeanPool]:
    """A pool that is closed in the end."""
    pool = LeanPool.from_url(url, max_connections=size, timeout=10, retry=Retry(NoBackoff(), 0), protocol=2)
    try:
        yield pool
    finally:
        await pool.aclose()


async def answer(connection: AbstractConnection) -> object:
    """What Redis says to a PING."""
    await connection.send_command("PING")
    return await connection.read_response()


async def test_all_who_wait_get_a_connection(redis: RedisProcess) -> None:
    """One that is given back goes to who waits, until nobody does, also if somebody asks in that moment."""
    async with pool_of(redis.url, 1) as pool:
        connection = await pool.get_connection()
        order: list[int] = []

        async def use(number: int) -> None:
            taken = await pool.get_connection()
            order.append(number)
            assert await answer(taken) == b"PONG"
            await pool.release(taken)

        waiting = [asyncio.create_task(use(number)) for number in (1, 2)]
        await asyncio.sleep(0)
        giving_back = asyncio.create_task(pool.release(connection))
        await asyncio.gather(giving_back, use(3), *waiting)
        assert sorted(order) == [1, 2, 3]
        assert await pool.get_connection() is connection


async def test_a_lost_connection_is_made_anew(redis: RedisProcess) -> None:
    """One that Redis has closed is not handed out."""
    async with pool_of(redis.url, 1) as pool:
        connection = await pool.get_connection()
        await pool.release(connection)
        redis.command("CLIENT", "KILL", "TYPE", "normal")
        while not await connection.can_read():  # noqa: ASYNC110 - the end, as nothing was asked
            await asyncio.sleep(0.01)
        assert await answer(await pool.get_connection()) == b"PONG"


async def test_a_connection_to_be_made_anew_is_closed(redis: RedisProcess) -> None:
    """One that was marked ends when it is given back."""
    async with pool_of(redis.url, 1) as pool:
        connection = await pool.get_connection()
        connection.mark_for_reconnect()  # type: ignore[no-untyped-call]
        await pool.release(connection)
        assert not connection.is_connected
        assert await answer(await pool.get_connection()) == b"PONG"


async def test_a_place_is_free_after_a_login_that_failed() -> None:
    """Who comes next learns the same, and does not wait for a place."""
    async with pool_of(f"redis://127.0.0.1:{free_port()}/0", 1) as pool:
        for _ in range(2):
            with pytest.raises(RedisConnectionError, match="Connect"):
                await pool.get_connection()
