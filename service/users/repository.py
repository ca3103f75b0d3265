from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Protocol

from service.users.schemas import User, UserCreate, UserUpdate

SEEDED_USERS = 1000
_FIRST_NAMES = ("Ada", "Alan", "Barbara", "Dennis", "Edsger", "Frances", "Grace", "Ken", "Leslie", "Margaret")
_LAST_NAMES = ("Allen", "Dijkstra", "Hamilton", "Hopper", "Lamport", "Liskov", "Lovelace", "Ritchie", "Turing", "Wing")


Precondition = Callable[[User], None]
"""Called with the very user that a write replaces, with no other write between; what it raises ends the write."""


class EmailTakenError(Exception):
    """Another user has this address."""


class UserRepository(Protocol):
    """Where users are kept: the source behind the caches."""

    async def get(self, user_id: int) -> User | None:
        """Return the user with this id."""
        ...

    async def page(self, after: int, limit: int) -> Sequence[User]:
        """Return up to `limit` users with ids above `after`, in their order."""
        ...

    async def create(self, user: UserCreate) -> User:
        """Add a user. Raises: EmailTakenError."""
        ...

    async def update(self, user_id: int, change: UserUpdate, precondition: Precondition | None = None) -> User | None:
        """Change a user, and return it as it is then. Raises: EmailTakenError, what `precondition` raises."""
        ...

    async def delete(self, user_id: int, precondition: Precondition | None = None) -> bool:
        """Remove a user; tells whether there was one. Raises: what `precondition` raises."""
        ...


class SeededUserRepository:
    """The same thousand users in every process.

    Writes stay in the process that made them: they show how the API and its caches behave, and are no data store.
    """

    def __init__(self, size: int = SEEDED_USERS) -> None:
        self._users = {user_id: _seed(user_id) for user_id in range(1, size + 1)}
        self._by_email = {user.email: user.id for user in self._users.values()}
        self._last_id = size

    async def get(self, user_id: int) -> User | None:
        """Return the user with this id."""
        return self._users.get(user_id)

    async def page(self, after: int, limit: int) -> Sequence[User]:
        """Return up to `limit` users with ids above `after`, in their order."""
        return [self._users[user_id] for user_id in sorted(self._users) if user_id > after][:limit]

    async def create(self, user: UserCreate) -> User:
        """Add a user. Raises: EmailTakenError."""
        self._claim(user.email, None)
        self._last_id += 1
        created = User(id=self._last_id, name=user.name, email=user.email, created_at=datetime.now(UTC))
        self._users[created.id] = created
        self._by_email[created.email] = created.id
        return created

    async def update(self, user_id: int, change: UserUpdate, precondition: Precondition | None = None) -> User | None:
        """Change a user, and return it as it is then. Raises: EmailTakenError, what `precondition` raises."""
        user = self._users.get(user_id)
        if user is None:
            return None
        if precondition is not None:
            precondition(user)
        if change.email is not None:
            self._claim(change.email, user_id)
            del self._by_email[user.email]
            self._by_email[change.email] = user_id
        changed = user.model_copy(update=change.model_dump(exclude_none=True))
        self._users[user_id] = changed
        return changed

    async def delete(self, user_id: int, precondition: Precondition | None = None) -> bool:
        """Remove a user; tells whether there was one. Raises: what `precondition` raises."""
        user = self._users.get(user_id)
        if user is None:
            return False
        if precondition is not None:
            precondition(user)
        del self._users[user_id]
        del self._by_email[user.email]
        return True

    def _claim(self, email: str, owner: int | None) -> None:
        if self._by_email.get(email, owner) != owner:
            raise EmailTakenError(email)


def _seed(user_id: int) -> User:
    first = _FIRST_NAMES[user_id % len(_FIRST_NAMES)]
    last = _LAST_NAMES[user_id // len(_FIRST_NAMES) % len(_LAST_NAMES)]
    return User.model_construct(
        id=user_id,
        name=f"{first} {last}",
        email=f"{first}.{last}.{user_id}@example.com".lower(),
        created_at=datetime(2024, 1, 1, tzinfo=UTC) + timedelta(minutes=user_id),
    )
