from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy import BigInteger, Column, DateTime, MetaData, String, Table, select
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from loadtests.bench.lookups.lookup import WORKERS, LookUp

USERS = Table(
    "users",
    MetaData(),
    Column("id", BigInteger, primary_key=True),
    Column("name", String),
    Column("email", String),
    Column("created_at", DateTime(timezone=True)),
    Column("version", BigInteger),
)


def engine(url: str) -> AsyncEngine:
    """Return an engine on asyncpg, without BEGIN and COMMIT around each look-up, as with the others."""
    dialect = url.replace("postgresql://", "postgresql+asyncpg://", 1)
    return create_async_engine(dialect, pool_size=WORKERS, max_overflow=0, isolation_level="AUTOCOMMIT")


@asynccontextmanager
async def sqlalchemy_core(url: str) -> AsyncIterator[list[LookUp]]:
    """SQLAlchemy's expressions and its pool, without its mapper."""
    opened = engine(url)

    async def look_up(user_id: int) -> object:
        async with opened.connect() as connection:
            return (await connection.execute(select(USERS).where(USERS.c.id == user_id))).one()

    yield [look_up] * WORKERS
    await opened.dispose()
