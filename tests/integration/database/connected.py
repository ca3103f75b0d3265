from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from service.database import Database, DatabaseConfig


@asynccontextmanager
async def connected(url: str, *replica_urls: str, **options: float) -> AsyncIterator[Database]:
    """A started database."""
    database = Database(DatabaseConfig(url=url, replica_urls=replica_urls, **options))  # type: ignore[arg-type]
    await database.start()
    try:
        yield database
    finally:
        await database.aclose()
