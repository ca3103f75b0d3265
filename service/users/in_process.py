import time
from collections.abc import Sequence
from datetime import UTC, datetime

from service.fleet.idempotency import Answer, IdempotencyKey, IdempotencyStore
from service.fleet.staleness import Freshness
from service.fleet.supervision import SupervisedTask
from service.users.example import SEEDED_USERS, example_user
from service.users.repository import CreatePrecondition, Creation, EmailTakenError, Found, Precondition, Stored
from service.users.schemas import User, UserCreate, UserUpdate


class SeededUserRepository:
    """The same thousand users in every process.

    Writes stay in the process that made them: they show how the API and its caches behave, and are no data store. Keys
    are kept in Redis.
    """

    background: Sequence[SupervisedTask] = ()

    def __init__(self, size: int = SEEDED_USERS, keys: IdempotencyStore | None = None) -> None:
        self._keys = keys
        self._users = {user_id: Stored(example_user(user_id), 1) for user_id in range(1, size + 1)}
        self._by_email = {stored.user.email.lower(): user_id for user_id, stored in self._users.items()}
        self._last_id = size

    async def get(self, user_id: int, freshness: Freshness = Freshness.RECENT) -> Found:  # noqa: ARG002 - it is as it is now
        """Return the user with this id."""
        stored = self._users.get(user_id)
        return Found(None) if stored is None else Found(*stored)

    async def page(self, after: int, limit: int, freshness: Freshness = Freshness.RECENT) -> Sequence[User]:  # noqa: ARG002
        """Return up to `limit` users with ids above `after`, in their order."""
        return [self._users[user_id].user for user_id in sorted(self._users) if user_id > after][:limit]

    async def create(
        self, user: UserCreate, key: IdempotencyKey | None = None, precondition: CreatePrecondition | None = None
    ) -> Creation:
        """Add a user; with a key at most once."""
        is_repetition = True

        async def carry_out() -> Answer:
            nonlocal is_repetition
            is_repetition = False
            if precondition is not None:
                await precondition()
            created = self._create(user)
            return Answer(201, created.user.model_dump_json().encode(), {"version": str(created.version)})

        answer = await (self._keys.run_once(key, carry_out) if key and self._keys else carry_out())
        return Creation(User.model_validate_json(answer.body), int(answer.headers["version"]), is_repetition)

    async def update(self, user_id: int, change: UserUpdate, precondition: Precondition | None = None) -> Stored | None:
        """Change a user, and return it as it is then. Raises: EmailTakenError, what `precondition` raises."""
        stored = self._users.get(user_id)
        if stored is None:
            return None
        if precondition is not None:
            precondition(stored)
        if change.email is not None:
            self._claim(change.email, user_id)
            del self._by_email[stored.user.email.lower()]
            self._by_email[change.email.lower()] = user_id
        changed = stored.user.model_copy(update=change.model_dump(exclude_none=True))
        return stored if changed == stored.user else self._store(changed, stored.version)

    async def delete(self, user_id: int, precondition: Precondition | None = None) -> int | None:
        """Remove a user, and return the deletion's version; None if there is none. Raises: `precondition`'s."""
        stored = self._users.get(user_id)
        if stored is None:
            return None
        if precondition is not None:
            precondition(stored)
        del self._users[user_id]
        del self._by_email[stored.user.email.lower()]
        return _next(stored.version)

    def _create(self, user: UserCreate) -> Stored:
        self._claim(user.email, None)
        self._last_id += 1
        created = User(id=self._last_id, name=user.name, email=user.email, created_at=datetime.now(UTC))
        self._by_email[created.email.lower()] = created.id
        return self._store(created)

    def _store(self, user: User, version: int = 0) -> Stored:
        stored = self._users[user.id] = Stored(user, _next(version))
        return stored

    def _claim(self, email: str, owner: int | None) -> None:
        if self._by_email.get(email.lower(), owner) != owner:
            raise EmailTakenError(email)


def _next(version: int) -> int:
    """Return a greater version; in microseconds, so that a restarted process continues from where it was."""
    return max(version + 1, time.time_ns() // 1000)
