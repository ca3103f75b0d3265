from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple, Protocol

from service.fleet.idempotency import IdempotencyKey
from service.fleet.staleness import Freshness
from service.fleet.supervision import SupervisedTask
from service.users.schemas import User, UserCreate, UserUpdate


class Stored(NamedTuple):
    """A user as it is at one version: a number that grows with each change."""

    user: User
    version: int


class Found(NamedTuple):
    """What a read found, or None; `cacheable` unless it may be older than reads are allowed to be."""

    user: User | None
    version: int = 0
    cacheable: bool = True


class Creation(NamedTuple):
    """The user that a request created, now or when it came with the same key before, as it was then."""

    user: User
    version: int
    is_repetition: bool = False


Precondition = Callable[[Stored], None]
"""Called with the very user that a write replaces, with no other write between; what it raises ends the write."""
CreatePrecondition = Callable[[], Awaitable[None]]
"""Awaited before a user is created, but not where the creation is a repetition; what it raises ends it."""


class EmailTakenError(Exception):
    """Another user has this address, in whatever case."""


class UserRepository(Protocol):
    """Where users are kept: the source behind the caches."""

    @property
    def background(self) -> Sequence[SupervisedTask]:
        """The work that must run in the background."""
        ...

    async def get(self, user_id: int, freshness: Freshness = Freshness.RECENT) -> Found:
        """Return the user with this id, as it is or was then."""
        ...

    async def page(self, after: int, limit: int, freshness: Freshness = Freshness.RECENT) -> Sequence[User]:
        """Return up to `limit` users with ids above `after`, in their order."""
        ...

    async def create(
        self, user: UserCreate, key: IdempotencyKey | None = None, precondition: CreatePrecondition | None = None
    ) -> Creation:
        """Add a user; with a key at most once.

        Raises:
            EmailTakenError: another user has the address.
            ConflictingKeyError: the key came with another user before.
            InProgressError: the first request with the key is still being carried out.
        """
        ...

    async def update(self, user_id: int, change: UserUpdate, precondition: Precondition | None = None) -> Stored | None:
        """Change a user, and return it as it is then, at its old version if that changes nothing.

        Raises: EmailTakenError, what `precondition` raises.
        """
        ...

    async def delete(self, user_id: int, precondition: Precondition | None = None) -> int | None:
        """Remove a user, and return the deletion's version; None if there is none. Raises: `precondition`'s."""
        ...
