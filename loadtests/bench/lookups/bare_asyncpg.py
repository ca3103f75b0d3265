from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from loadtests.bench.lookups.lookup import WORKERS, LookUp
from service.users.queries import GET


@asynccontextmanager
async def connections(url: str) -> AsyncIterator[list[LookUp]]:
    """The least that the driver can be asked for: a connection for each worker, and nothing around it."""
    opened = [await asyncpg.connect(url) for _ in range(WORKERS)]
    yield [_look_up_on(connection) for connection in opened]
    for connection in opened:
        await connection.close()


@asynccontextmanager
async def pool(url: str) -> AsyncIterator[list[LookUp]]:
    """The driver's own pool, with the reset at each release that it makes unless it is told not to."""
    async with asyncpg.create_pool(url, min_size=WORKERS, max_size=WORKERS) as opened:

        async def look_up(user_id: int) -> object:
            async with opened.acquire() as connection:
                return await connection.fetch(GET.sql, user_id)

        yield [look_up] * WORKERS


def _look_up_on(connection: "asyncpg.Connection[asyncpg.Record]") -> LookUp:
    async def look_up(user_id: int) -> object:
        return await connection.fetch(GET.sql, user_id)

    return look_up
