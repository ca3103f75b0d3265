from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from loadtests.bench.lookups.lookup import WORKERS, LookUp
from service.database import Database, DatabaseConfig
from service.users.postgres import PostgresUserRepository


@asynccontextmanager
async def repository(url: str) -> AsyncIterator[list[LookUp]]:
    """What the service uses: gate, time limits, circuit breaker and metrics, and a `User` in the end."""
    # On a busy machine the figures are low, and none is missing.
    limits = {"connect_timeout_seconds": 20.0, "operation_timeout_seconds": 20.0}
    database = Database(DatabaseConfig(url, pool_size=WORKERS, **limits))  # type: ignore[arg-type]
    await database.start()
    yield [PostgresUserRepository(database, key_seconds=60).get] * WORKERS
    await database.aclose()
