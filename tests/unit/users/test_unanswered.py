import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from service.database import DatabaseUnavailableError
from service.fleet.cache import CacheConfig, TieredCache
from service.fleet.redis_client import NoRedis
from service.fleet.staleness import Freshness
from service.users import unanswered as module
from service.users.repository import Found
from service.users.unanswered import UnansweredWrites
from tests.observe import until

pytestmark = pytest.mark.anyio


class Deciding:
    """Stands in for a repository: no real one is away and written to again in an order that a test sets."""

    def __init__(self) -> None:
        self.is_away = True
        self.asked: list[int] = []

    async def get(self, user_id: int, freshness: Freshness) -> Found:
        """Be away, or say that there is no such user."""
        assert freshness is Freshness.REQUIRED
        self.asked.append(user_id)
        if self.is_away:
            raise DatabaseUnavailableError("breaker", "open")
        return Found(None)


@pytest.fixture
async def writes(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[UnansweredWrites, Deciding]]:
    """Some that need not wait for the database, of two users at most, and their repository."""
    monkeypatch.setattr(module, "DECIDED_SECONDS", 0.0)
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(module, "MAX_NOTED", 2)
    repository: Any = Deciding()
    writes = UnansweredWrites(repository, TieredCache(NoRedis(), CacheConfig()))
    writes.background.start()
    yield writes, repository
    await writes.background.aclose()


def leave(writes: UnansweredWrites, user_id: int, *, may_have_happened: bool = True) -> None:
    """Write without an answer."""
    with pytest.raises(DatabaseUnavailableError), writes.watching(user_id):
        raise DatabaseUnavailableError("connection", "lost", may_have_happened=may_have_happened)


async def test_they_are_looked_at_until_the_database_answers(writes: tuple[UnansweredWrites, Deciding]) -> None:
    """While it is away they stay, and the oldest give way to new ones."""
    unanswered, repository = writes
    for user_id in (1, 2, 3):
        leave(unanswered, user_id)
    await until(lambda: len(repository.asked) >= 2)
    assert set(repository.asked) == {2}
    assert len(unanswered) == 2
    repository.is_away = False
    await until(lambda: len(unanswered) == 0)
    assert repository.asked[-2:] == [2, 3]


async def test_what_did_not_happen_is_not_looked_at(writes: tuple[UnansweredWrites, Deciding]) -> None:
    """A write that was never sent changed nothing."""
    unanswered, _ = writes
    leave(unanswered, 1, may_have_happened=False)
    assert len(unanswered) == 0


async def test_the_database_is_given_time_to_decide(
    writes: tuple[UnansweredWrites, Deciding], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody asks for a user whose write may still be under way, and one that is written to again waits again."""
    unanswered, repository = writes
    repository.is_away = False
    get = repository.get

    async def written_to_meanwhile(user_id: int, freshness: Freshness) -> Found:
        monkeypatch.setattr(module, "DECIDED_SECONDS", 600.0)
        leave(unanswered, user_id)
        return await get(user_id, freshness)

    monkeypatch.setattr(repository, "get", written_to_meanwhile)
    leave(unanswered, 1)
    await until(lambda: repository.asked == [1])
    monkeypatch.setattr(repository, "get", get)
    leave(unanswered, 2)
    await asyncio.sleep(10 * module.LOOK_SECONDS)
    assert (repository.asked, len(unanswered)) == ([1], 2)
