from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg


@asynccontextmanager
async def locked_users(url: str) -> AsyncIterator[None]:
    """Lock the users, so that each statement on them lasts as long as the block, or as long as it may."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("BEGIN")
        await connection.execute("LOCK users")
        yield
    finally:
        await connection.close()
