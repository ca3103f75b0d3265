from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

from sqlmodel import BigInteger, DateTime, Field, SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from loadtests.bench.lookups.lookup import WORKERS, LookUp
from loadtests.bench.lookups.sqlalchemy_core import engine


class User(SQLModel, table=True):
    """The mapped row."""

    __tablename__ = "users"

    id: int = Field(primary_key=True, sa_type=BigInteger)
    name: str
    email: str
    created_at: datetime = Field(sa_type=DateTime(timezone=True))
    version: int = Field(sa_type=BigInteger)


@asynccontextmanager
async def sqlmodel_session(url: str) -> AsyncIterator[list[LookUp]]:
    """SQLModel with a session for each look-up, as tutorials have one for each request."""
    opened = engine(url)

    async def look_up(user_id: int) -> object:
        async with AsyncSession(opened) as session:
            return await session.get_one(User, user_id)

    yield [look_up] * WORKERS
    await opened.dispose()
