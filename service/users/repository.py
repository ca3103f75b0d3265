import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, Protocol

from service.users.schemas import User, UserCreate, UserUpdate

SEEDED_USERS = 1000
_FIRST_NAMES = ("Ada", "Alan", "Barbara", "Dennis", "Edsger", "Frances", "Grace", "Ken", "Leslie", "Margaret")
_LAST_NAMES = ("Allen", "Dijkstra", "Hamilton", "Hopper", "Lamport", "Liskov", "Lovelace", "Ritchie", "Turing", "Wing")


class EmailTakenError(Exception):
    """Another user has this address."""


class Stored(NamedTuple):
    """A user as it is at one version: a number that grows with each change."""

    user: User
    version: int


class Found(NamedTuple):
    """What a read found, or None; `cacheable` unless it may be older than reads are allowed to be."""

    user: User | None
    version: int = 0
    cacheable: bool = True


Precondition = Callable[[Stored], None]
"""Called with the very user that a write replaces, with no other write between; what it raises ends the write."""


class UserRepository(Protocol):
    """Where users are kept: the source behind the caches."""

    async def get(self, user_id: int, *, fresh: bool = False) -> Found:
        """Return the user with this id; as it is now, and not up to a second ago, if it must be `fresh`."""
        ...

    async def page(self, after: int, limit: int, *, fresh: bool = False) -> Sequence[User]:
        """Return up to `limit` users with ids above `after`, in their order."""
        ...

    async def create(self, user: UserCreate) -> Stored:
        """Add a user. Raises: EmailTakenError."""
        ...

    async def update(self, user_id: int, change: UserUpdate, precondition: Precondition | None = None) -> Stored | None:
        """Change a user, and return it as it is then, at its old version if that changes nothing.

        Raises: EmailTakenError, what `precondition` raises.
        """
        ...

    async def delete(self, user_id: int, precondition: Precondition | None = None) -> int | None:
        """Remove a user, and return the deletion's version; None if there is none. Raises: `precondition`'s."""
        ...


class SeededUserRepository:
    """The same thousand users in every process.

    Writes stay in the process that made them: they show how the API and its caches behave, and are no data store.
    """

    def __init__(self, size: int = SEEDED_USERS) -> None:
        self._users = {user_id: Stored(_seed(user_id), 1) for user_id in range(1, size + 1)}
        self._by_email = {stored.user.email: user_id for user_id, stored in self._users.items()}
        self._last_id = size

    async def get(self, user_id: int, *, fresh: bool = False) -> Found:  # noqa: ARG002 - always is
        """Return the user with this id."""
        stored = self._users.get(user_id)
        return Found(None) if stored is None else Found(*stored)

    async def page(self, after: int, limit: int, *, fresh: bool = False) -> Sequence[User]:  # noqa: ARG002 - always is
        """Return up to `limit` users with ids above `after`, in their order."""
        return [self._users[user_id].user for user_id in sorted(self._users) if user_id > after][:limit]

    async def create(self, user: UserCreate) -> Stored:
        """Add a user. Raises: EmailTakenError."""
        self._claim(user.email, None)
        self._last_id += 1
        created = User(id=self._last_id, name=user.name, email=user.email, created_at=datetime.now(UTC))
        self._by_email[created.email] = created.id
        return self._store(created)

    async def update(self, user_id: int, change: UserUpdate, precondition: Precondition | None = None) -> Stored | None:
        """Change a user, and return it as it is then. Raises: EmailTakenError, what `precondition` raises."""
        stored = self._users.get(user_id)
        if stored is None:
            return None
        if precondition is not None:
            precondition(stored)
        if change.email is not None:
            self._claim(change.email, user_id)
            del self._by_email[stored.user.email]
            self._by_email[change.email] = user_id
        changed = stored.user.model_copy(update=change.model_dump(exclude_none=True))
        return stored if changed == stored.user else self._store(changed)

    async def delete(self, user_id: int, precondition: Precondition | None = None) -> int | None:
        """Remove a user, and return the deletion's version; None if there is none. Raises: `precondition`'s."""
        stored = self._users.get(user_id)
        if stored is None:
            return None
        if precondition is not None:
            precondition(stored)
        del self._users[user_id]
        del self._by_email[stored.user.email]
        return _next_version(stored.version)

    def _store(self, user: User) -> Stored:
        before = self._users.get(user.id)
        stored = self._users[user.id] = Stored(user, _next_version(0 if before is None else before.version))
        return stored

    def _claim(self, email: str, owner: int | None) -> None:
        if self._by_email.get(email, owner) != owner:
            raise EmailTakenError(email)


def _next_version(version: int) -> int:
    """Return a greater one; in microseconds, so that a process that starts anew goes on from where it was."""
    return max(version + 1, time.time_ns() // 1000)


def _seed(user_id: int) -> User:
    first = _FIRST_NAMES[user_id % len(_FIRST_NAMES)]
    last = _LAST_NAMES[user_id // len(_FIRST_NAMES) % len(_LAST_NAMES)]
    return User.model_construct(
        id=user_id,
        name=f"{first} {last}",
        email=f"{first}.{last}.{user_id}@example.com".lower(),
        created_at=datetime(2024, 1, 1, tzinfo=UTC) + timedelta(minutes=user_id),
    )
