import asyncio
import time
from collections.abc import Callable

from service.fleet.cache import Loaded, Lookup, TieredCache
from service.fleet.idempotency import IdempotencyKey
from service.fleet.staleness import Freshness
from service.users import cursor
from service.users.cached_read import USER_READ
from service.users.own_writes import OwnWrites
from service.users.repository import CreatePrecondition, Creation, Precondition, Stored, UserRepository
from service.users.representation import encode, etag_of_user
from service.users.schemas import UserCreate, UserPage, UserUpdate
from service.users.unanswered import UnansweredWrites

Allow = Callable[[bytes], None]
"""Told the ETag of what a write is about to replace; what it raises ends the write."""


class UserService:
    """What can be done with users: reads through the caches, writes that every replica's caches learn of."""

    def __init__(self, repository: UserRepository, cache: TieredCache, own_writes: OwnWrites | None = None) -> None:
        self._repository = repository
        self._cache = cache
        self._own_writes = own_writes  # None: the repository's reads are always fresh
        self._unanswered = UnansweredWrites(repository, cache)
        self.background = [*repository.background, self._unanswered.background]

    async def lookup(self, user_id: int) -> Lookup:
        """Return the encoded user, or the knowledge that there is none, and which tier had it."""

        async def load(freshness: Freshness) -> Loaded:
            found = await self._repository.get(user_id, freshness)
            return Loaded(None if found.user is None else encode(found.user), found.version, found.cacheable)

        return await self._cache.lookup(USER_READ.key(user_id), load)

    async def page(self, after: str | None, limit: int, subject: str | None = None) -> UserPage:
        """Return one page, with all that `subject` has written; without a subject as it is now. Raises: CursorError."""
        position = 0 if after is None else cursor.decode(after)
        freshness = Freshness.REQUIRED
        if subject is not None and self._own_writes is not None:
            freshness = await self._own_writes.freshness(subject)
        users = await self._repository.page(position, limit + 1, freshness)  # one more tells if there is a next page
        items = list(users[:limit])
        return UserPage(items=items, next=cursor.encode(items[-1].id) if len(users) > limit else None)

    async def create(
        self,
        user: UserCreate,
        subject: str,
        key: IdempotencyKey | None = None,
        precondition: CreatePrecondition | None = None,
    ) -> Creation:
        """Add a user; with a key at most once. Raises: what the repository raises."""
        began = time.monotonic()
        creation = await self._repository.create(user, key, precondition)
        if creation.is_repetition:  # which tells how the user was, not how it is; and who created it may have died then
            told = self._cache.reached(USER_READ.key(creation.user.id), creation.version, began)
            await self._note(subject, told)
        else:
            await self._tell(creation.user.id, encode(creation.user), creation.version, began, subject)
        return creation

    async def update(self, user_id: int, change: UserUpdate, subject: str, allow: Allow | None = None) -> Stored | None:
        """Change a user. Raises: EmailTakenError, what `allow` raises."""
        began = time.monotonic()
        with self._unanswered.watching(user_id):
            changed = await self._repository.update(user_id, change, _precondition(allow))
        if changed is not None:
            await self._tell(user_id, encode(changed.user), changed.version, began, subject)
        return changed

    async def delete(self, user_id: int, subject: str, allow: Allow | None = None) -> bool:
        """Remove a user; tells whether there was one. Raises: what `allow` raises."""
        began = time.monotonic()
        with self._unanswered.watching(user_id):
            version = await self._repository.delete(user_id, _precondition(allow))
        if version is not None:
            await self._tell(user_id, None, version, began, subject)
        return version is not None

    async def _tell(self, user_id: int, body: bytes | None, version: int, began: float, subject: str) -> None:
        """Have the caches and the writer's own lists show a write from now on."""
        await self._note(subject, self._cache.wrote(USER_READ.key(user_id), body, version, began))

    async def _note(self, subject: str, told: asyncio.Future[None]) -> None:
        """Note who has written while the caches are told: what both have to say to Redis leaves in one trip."""
        if self._own_writes is not None:
            await self._own_writes.note(subject)
        await told


def _precondition(allow: Allow | None) -> Precondition | None:
    return None if allow is None else lambda stored: allow(etag_of_user(stored.user, stored.version))
