import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from alembic.config import Config

from service import migrate
from service.database import DatabaseConfig
from service.seed import seed
from tests.observe import until
from tests.postgres_process import PostgresProcess, name_of

pytestmark = [pytest.mark.anyio, pytest.mark.integration]

ROOT = Path(__file__).parents[3]
# Those of the experiment, which has a million rows.
LOCATIONS = (ROOT / "service/migrations/versions", ROOT / "tests/chaos/postgresql/revisions")
USERS = 5_000


def with_revisions_of_the_experiment(config: Callable[[], Config]) -> Config:
    """Return what Alembic needs to know to find those too."""
    alembic = config()
    alembic.set_main_option("version_locations", ":".join(map(str, LOCATIONS)))
    return alembic


async def test_a_column_its_backfill_and_its_index(
    postgres: PostgresProcess, database_url: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They get past a long transaction on the table, each in its own way."""
    database = DatabaseConfig(database_url)
    await migrate.migrate(database)
    await seed(database, USERS)
    config = migrate.config
    monkeypatch.setattr(migrate, "config", lambda: with_revisions_of_the_experiment(config))
    async with migrate._connection(database) as reader:
        await reader.exec_driver_sql("SELECT count(*) FROM users")
        migration = asyncio.create_task(migrate.migrate(database))
        await until(lambda: "a table is in use, trying again" in caplog.text)
        assert not migration.done()
        await reader.rollback()
        await migration
    filled_in = postgres.sql("SELECT count(*), count(nickname) FROM users", name_of(database_url))
    assert filled_in == f"{USERS}|{USERS}"
    index = "SELECT indisvalid FROM pg_index WHERE indexrelid = 'users_nickname'::regclass"
    assert postgres.sql(index, name_of(database_url)) == "t"
