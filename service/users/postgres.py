import asyncio
import contextlib
import random
from collections.abc import Sequence
from functools import partial

import asyncpg

from service.database import Database, DatabaseUnavailableError, Query, Read
from service.database.query import Record
from service.fleet.batching import Batcher
from service.fleet.idempotency import ConflictingKeyError, IdempotencyKey, InProgressError
from service.fleet.idempotency.metrics import REPLAYS
from service.fleet.staleness import Freshness
from service.fleet.supervision import SupervisedTask
from service.users import queries
from service.users.repository import CreatePrecondition, Creation, EmailTakenError, Found, Precondition, Stored
from service.users.schemas import User, UserCreate, UserUpdate

# Each try reads what another write has just put there: this many in a row lose only to a flood of them.
CONDITIONAL_ATTEMPTS = 10
# Reading them takes the server and this process less than a millisecond.
LOOKED_UP_AT_ONCE = 100
PURGE_SECONDS = 60.0
_FIELDS = set(User.model_fields)


class PostgresUserRepository:
    """Users in PostgreSQL: one statement for each request at most, or two where it has a precondition."""

    def __init__(self, database: Database, *, key_seconds: float) -> None:
        self._database = database
        self._key_seconds = key_seconds
        self._look_ups = {
            freshness: Batcher(partial(self._get_many, freshness), max_batch=LOOKED_UP_AT_ONCE, lost=_lost)
            for freshness in Freshness
        }
        self.background = [SupervisedTask("idempotency_key_purge", self._purge_forever)]

    async def get(self, user_id: int, freshness: Freshness = Freshness.RECENT) -> Found:
        """Return the user with this id, as it is or was then.

        Those asked for in one turn of the event loop share a statement, unless the request is to have a span of it.
        """
        if self._database.is_recorded:
            return await self._get(freshness, user_id)
        return await self._look_ups[freshness].submit(user_id)

    async def page(self, after: int, limit: int, freshness: Freshness = Freshness.RECENT) -> Sequence[User]:
        """Return up to `limit` users with ids above `after`, in their order."""
        read = await self._database.read(queries.PAGE, after, limit, freshness=freshness)
        return [_user(row) for row in read.rows]

    async def create(
        self, user: UserCreate, key: IdempotencyKey | None = None, precondition: CreatePrecondition | None = None
    ) -> Creation:
        """Add a user; with a key at most once: its record is written by the statement that writes the user."""
        if precondition is not None:
            if key is not None and (earlier := await self._created_with(key, user)) is not None:
                return earlier
            await precondition()
        if key is None:
            (row,) = await self._write(queries.CREATE, user.name, user.email)
            return Creation(_user(row), row["version"])
        arguments = (user.name, user.email, key.name, key.fingerprint, self._key_seconds)
        rows = await self._write(queries.CREATE_ONCE, *arguments, is_repeatable=True)
        if rows:
            return Creation(_user(rows[0]), rows[0]["version"])
        earlier = await self._created_with(key, user)
        if earlier is None:  # it has expired since
            raise InProgressError
        return earlier

    async def update(self, user_id: int, change: UserUpdate, precondition: Precondition | None = None) -> Stored | None:
        """Change a user, and return it as it is then. Raises: EmailTakenError, what `precondition` raises."""
        if precondition is None:
            rows = await self._write(queries.UPDATE, user_id, change.name, change.email)
        else:
            rows = await self._write_conditionally(
                queries.UPDATE_VERSION, user_id, precondition, change.name, change.email
            )
        return Stored(_user(rows[0]), rows[0]["version"]) if rows else None

    async def delete(self, user_id: int, precondition: Precondition | None = None) -> int | None:
        """Remove a user, and return the deletion's version; None if there is none. Raises: `precondition`'s."""
        if precondition is None:
            rows = await self._write(queries.DELETE, user_id)
        else:
            rows = await self._write_conditionally(queries.DELETE_VERSION, user_id, precondition)
        return rows[0]["version"] if rows else None

    async def purge(self) -> int:
        """Forget keys that have expired, a batch of them; returns how many."""
        return len(await self._database.write(queries.PURGE_KEYS, self._key_seconds, is_repeatable=True))

    async def _get(self, freshness: Freshness, user_id: int) -> Found:
        read = await self._database.read(queries.GET, user_id, freshness=freshness)
        return _found(read.rows[0], read) if read.rows else Found(None, cacheable=read.cacheable)

    async def _get_many(self, freshness: Freshness, ids: list[int]) -> list[Found | Exception]:
        if len(ids) == 1:
            return [await self._get(freshness, ids[0])]
        read = await self._database.read(queries.GET_MANY, ",".join(map(str, ids)), freshness=freshness)
        found = {row["id"]: _found(row, read) for row in read.rows}
        nobody = Found(None, cacheable=read.cacheable)
        return [found.get(user_id, nobody) for user_id in ids]

    async def _purge_forever(self) -> None:
        while True:
            await asyncio.sleep(PURGE_SECONDS * random.uniform(0.5, 1.5))  # noqa: S311 - apart from other processes
            with contextlib.suppress(DatabaseUnavailableError):  # it comes again
                while await self.purge() == queries.PURGED_AT_ONCE:
                    pass

    async def _write_conditionally(
        self, query: Query, user_id: int, precondition: Precondition, *arguments: object
    ) -> list[Record]:
        """Write what is still at the version for which the precondition held; nothing where there is no user."""
        for _ in range(CONDITIONAL_ATTEMPTS):
            found = await self.get(user_id, Freshness.REQUIRED)
            if found.user is None:
                return []
            precondition(Stored(found.user, found.version))
            if rows := await self._write(query, user_id, *arguments, found.version):
                return rows
        raise DatabaseUnavailableError("conflict", f"others changed user {user_id} all the time")

    async def _write(self, query: Query, *arguments: object, is_repeatable: bool = False) -> list[Record]:
        try:
            return await self._database.write(query, *arguments, is_repeatable=is_repeatable)
        except asyncpg.UniqueViolationError as error:
            if error.constraint_name != queries.EMAIL_CONSTRAINT:
                raise
            raise EmailTakenError from error

    async def _created_with(self, key: IdempotencyKey, user: UserCreate) -> Creation | None:
        """Return what the key created, if it has; whoever sent it again sent the rest of the first answer with it."""
        read = await self._database.read(queries.FIND_KEY, key.name, self._key_seconds, freshness=Freshness.REQUIRED)
        if not read.rows:
            return None
        row = read.rows[0]
        if row["fingerprint"] != key.fingerprint:
            raise ConflictingKeyError
        REPLAYS.inc()
        created = User.model_construct(
            id=row["user_id"], name=user.name, email=user.email, created_at=row["created_at"]
        )
        return Creation(created, row["version"], is_repetition=True)


def _lost(detail: str) -> Exception:
    return DatabaseUnavailableError("connection", detail)


def _found(row: Record, read: Read) -> Found:
    return Found(_user(row), row["version"], read.cacheable)


def _user(row: Record) -> User:
    """Make a user of a row as unpickling one would: without validation, which it passed when it came in.

    Reading must not fail because the rules have become stricter. `model_construct` takes three times as long.
    """
    user_id, name, email, created_at, _ = row
    user = User.__new__(User)
    fields = {"id": user_id, "name": name, "email": email, "created_at": created_at}
    user.__setstate__(
        {
            "__dict__": fields,
            "__pydantic_fields_set__": _FIELDS,
            "__pydantic_extra__": None,
            "__pydantic_private__": None,
        }
    )
    return user
