import asyncio
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from tests.api import TOKEN
from tests.observe import until
from tests.postgres_process import PostgresProcess, name_of
from tests.sabotage import sabotage
from tests.service_process import ServiceProcess

pytestmark = [pytest.mark.anyio, pytest.mark.integration]

INTERVAL_SECONDS = 0.01  # a hundred a second
KILLS = 3
BETWEEN_KILLS = 100  # acknowledged writes, so that each kill meets a server at work
TRIES = 600


@dataclass
class Outcome:
    """What the clients were told: by address the id of each user that was acknowledged."""

    acknowledged: dict[str, int] = field(default_factory=dict)
    refused: list[int] = field(default_factory=list)
    unknown: int = 0

    async def grows(self, count: int) -> None:
        """Wait until so many more writes are acknowledged."""
        wanted = len(self.acknowledged) + count
        await until(lambda: len(self.acknowledged) >= wanted)


@pytest.fixture
def service(users_url: str, tmp_path: Path) -> Iterator[ServiceProcess]:
    """Start the service on the database."""
    settings = {"database_url": users_url, "redis_url": "", "rate_limit_enabled": False}
    with ServiceProcess(tmp_path / "service.log", **settings) as process:
        yield process


async def create(client: httpx.AsyncClient, number: int, outcome: Outcome) -> None:
    """Create a user: every other with a key, and again until there is an answer."""
    email = f"user{number}@example.com"
    key = {"idempotency-key": f"key-{number}"} if number % 2 else {}
    for _ in range(TRIES if key else 1):
        try:
            answer = await client.post("/api/users", json={"name": "Ada", "email": email}, headers=key)
        except httpx.TransportError:
            answer = None
        if answer is not None and answer.status_code == 201:
            outcome.acknowledged[email] = answer.json()["id"]
            return
        if answer is not None and answer.status_code != 503:
            outcome.refused.append(answer.status_code)
            return
        await asyncio.sleep(0.1)
    outcome.unknown += 1


async def write_through_kills(postgres: PostgresProcess, service: ServiceProcess) -> Outcome:
    """Write at a hundred a second while the server is killed and started again."""
    outcome = Outcome()
    has_ended = asyncio.Event()
    limits = httpx.Limits(max_connections=None)
    url = f"http://127.0.0.1:{service.port}"
    async with httpx.AsyncClient(base_url=url, headers=TOKEN, timeout=30, limits=limits) as client:

        async def write() -> None:
            async with asyncio.TaskGroup() as group:
                for number in itertools.count():
                    if has_ended.is_set():
                        return
                    group.create_task(create(client, number, outcome))
                    await asyncio.sleep(INTERVAL_SECONDS)

        writing = asyncio.create_task(write())
        try:
            for _ in range(KILLS):
                await outcome.grows(BETWEEN_KILLS)
                await asyncio.to_thread(postgres.kill)
                await asyncio.to_thread(postgres.start)
            await outcome.grows(BETWEEN_KILLS)
        finally:
            has_ended.set()
            await writing
    return outcome


def stored(postgres: PostgresProcess, users_url: str) -> dict[str, list[int]]:
    """The ids by address, as the table has them."""
    rows = postgres.sql("SELECT email, id FROM users", name_of(users_url)).splitlines()
    found: dict[str, list[int]] = {}
    for email, user_id in (row.split("|") for row in rows):
        found.setdefault(email, []).append(int(user_id))
    return found


def acknowledge_early(request: pytest.FixtureRequest) -> None:
    """Have the server acknowledge what is not on its disk yet."""
    postgres: PostgresProcess = request.getfixturevalue("postgres")
    postgres.sql(f"ALTER DATABASE {name_of(request.getfixturevalue('users_url'))} SET synchronous_commit = off")


@sabotage("synchronous_commit is off", acknowledge_early)
async def test_acknowledged_writes_outlive_the_server(
    postgres: PostgresProcess, service: ServiceProcess, users_url: str
) -> None:
    """Killed three times under a hundred writes a second: none that was acknowledged is lost, none happened twice."""
    outcome = await write_through_kills(postgres, service)
    found = stored(postgres, users_url)
    assert outcome.refused == []  # a second creation would have found its own address taken
    assert {email: found.get(email) for email in outcome.acknowledged} == {
        email: [user_id] for email, user_id in outcome.acknowledged.items()
    }
    keys = postgres.sql("SELECT count(*), count(DISTINCT user_id) FROM idempotency_keys", name_of(users_url))
    assert len(set(keys.split("|"))) == 1
    assert len(outcome.acknowledged) > KILLS * BETWEEN_KILLS
