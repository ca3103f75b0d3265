from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from loadtests.bench.lookups.lookup import WORKERS, LookUp
from service.database import Database, DatabaseConfig
from service.fleet.staleness import Freshness
from service.users.postgres import PostgresUserRepository


@asynccontextmanager
async def repository(url: str) -> AsyncIterator[list[LookUp]]:
    """What the service uses: gate, time limits, circuit breaker and metrics, and a `User` in the end."""
    async with _opened(url) as opened:
        yield [opened.get] * WORKERS


@asynccontextmanager
async def one_by_one(url: str) -> AsyncIterator[list[LookUp]]:
    """The same with a statement for each, as it does where a request has spans."""
    async with _opened(url) as opened:
        yield [partial(opened._get, Freshness.RECENT)] * WORKERS  # noqa: SLF001 - what is measured is what lies behind


@asynccontextmanager
async def _opened(url: str) -> AsyncIterator[PostgresUserRepository]:
    # On a busy machine the figures are low, and none is missing.
    limits = {"connect_timeout_seconds": 20.0, "operation_timeout_seconds": 20.0}
    database = Database(DatabaseConfig(url, pool_size=WORKERS, **limits))  # type: ignore[arg-type]
    await database.start()
    yield PostgresUserRepository(database, key_seconds=60)
    await database.aclose()
