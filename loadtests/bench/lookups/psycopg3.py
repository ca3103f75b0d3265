from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from psycopg_pool import AsyncConnectionPool

from loadtests.bench.lookups.lookup import WORKERS, LookUp
from service.users.queries import GET

# Prepared at once and without BEGIN and COMMIT around it, as with the others.
OPTIONS = {"autocommit": True, "prepare_threshold": 0}
SQL = GET.sql.replace("$1", "%s")


@asynccontextmanager
async def psycopg3(url: str) -> AsyncIterator[list[LookUp]]:
    """Psycopg 3 with its C parts and its pool."""
    async with AsyncConnectionPool(url, min_size=WORKERS, max_size=WORKERS, kwargs=OPTIONS) as opened:

        async def look_up(user_id: int) -> object:
            async with opened.connection() as connection:
                cursor = await connection.execute(SQL, (user_id,))
                return await cursor.fetchone()

        yield [look_up] * WORKERS
