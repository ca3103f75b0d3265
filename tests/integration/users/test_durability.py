import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from loadtests.ledger import Ledger, Outcome
from tests.api import TOKEN
from tests.observe import until
from tests.postgres_process import PostgresProcess, name_of
from tests.sabotage import sabotage
from tests.service_process import ServiceProcess

pytestmark = [pytest.mark.anyio, pytest.mark.integration]

PER_SECOND = 100
PAUSE_SECONDS = 0.1
KILLS = 3
BETWEEN_KILLS = 100  # acknowledged writes, so that each kill meets a server at work


@pytest.fixture
def service(users_url: str, tmp_path: Path) -> Iterator[ServiceProcess]:
    """Start the service on the database."""
    settings = {"database_url": users_url, "redis_url": "", "rate_limit_enabled": False}
    with ServiceProcess(tmp_path / "service.log", **settings) as process:
        yield process


async def write_through_kills(postgres: PostgresProcess, service: ServiceProcess) -> Ledger:
    """Write at a hundred a second while the server is killed and started again."""
    url = f"http://127.0.0.1:{service.port}"
    ledger = Ledger(url, TOKEN, per_second=PER_SECOND, longest_pause_seconds=PAUSE_SECONDS)
    with ledger:
        for _ in range(KILLS):
            await grows(ledger.outcome, BETWEEN_KILLS)
            await asyncio.to_thread(postgres.kill)
            await asyncio.to_thread(postgres.start)
        await grows(ledger.outcome, BETWEEN_KILLS)
    return ledger


async def grows(outcome: Outcome, count: int) -> None:
    """Wait until so many more writes are acknowledged."""
    wanted = len(outcome.acknowledged) + count
    await until(lambda: len(outcome.acknowledged) >= wanted)


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
    ledger = await write_through_kills(postgres, service)
    outcome, found = ledger.outcome, stored(postgres, users_url)
    assert outcome.refused == []  # a second creation would have found its own address taken
    assert {email: found.get(email) for email in outcome.acknowledged} == {
        email: [user_id] for email, user_id in outcome.acknowledged.items()
    }
    keys = postgres.sql("SELECT count(*), count(DISTINCT user_id) FROM idempotency_keys", name_of(users_url))
    assert len(set(keys.split("|"))) == 1
    assert await asyncio.to_thread(ledger.lost) == []
    assert len(outcome.acknowledged) > KILLS * BETWEEN_KILLS
