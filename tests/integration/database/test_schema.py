import asyncio
import math

import pytest
from alembic.script import ScriptDirectory

from service.database import DatabaseConfig, schema
from service.migrate import config as alembic_config
from service.migrate import migrate
from tests.integration.database.connected import connected
from tests.observe import sample, until
from tests.postgres_process import PATIENT, PostgresProcess, name_of

pytestmark = [pytest.mark.anyio, pytest.mark.integration]


@pytest.fixture(autouse=True)
def _hasten(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look often."""
    monkeypatch.setattr(schema, "PERIOD_SECONDS", 0.05)
    monkeypatch.setattr(schema, "TIMEOUT_SECONDS", PATIENT["operation_timeout_seconds"])


def shown() -> float:
    """How far the schema is, by the metric."""
    return sample("users_api_database_schema_revision", target="primary")


def looks() -> float:
    """How often it was looked whether there is a table of revisions."""
    return sample("users_api_database_query_seconds_count", query="schema_table", target="primary")


def failures() -> float:
    """Statements that went wrong for want of a table or a right."""
    names = ("schema_table", "schema_revision")
    return sum(sample("users_api_database_failures_total", target="primary", query=n, reason="schema") for n in names)


async def test_the_schema_is_shown_as_it_is_migrated(postgres: PostgresProcess, database_url: str) -> None:
    """0 where nothing was migrated, then what this version needs, and what a newer one made, without a failure."""
    before = failures()
    async with connected(database_url, **PATIENT):
        await until(lambda: shown() == 0)
        await migrate(DatabaseConfig(database_url))
        await until(lambda: shown() == schema.NEEDED)
        assert sample("users_api_database_schema_needed", target="primary") == schema.NEEDED
        postgres.sql("UPDATE alembic_version SET version_num = 'expand_0999'", name_of(database_url))
        await until(lambda: shown() == 999)
        postgres.sql("DELETE FROM alembic_version", name_of(database_url))
        await until(lambda: shown() == 0)
    assert failures() == before


async def test_without_the_right_nobody_knows(postgres: PostgresProcess, database_url: str) -> None:
    """A role that may not read the table of revisions shows no number, and no failure either."""
    await migrate(DatabaseConfig(database_url))
    before, name = failures(), name_of(database_url)
    postgres.sql("CREATE ROLE blind LOGIN")
    try:
        async with connected(postgres.url(name, "blind"), **PATIENT):
            looked = looks()
            await until(lambda: looks() > looked)
            assert math.isnan(shown())
    finally:
        postgres.sql("DROP ROLE blind")
    assert failures() == before


async def test_an_absence_leaves_what_was_last_seen(postgres: PostgresProcess, users_url: str) -> None:
    """While the server is away the number stays, and whoever drains asks no more."""
    async with connected(users_url, **PATIENT) as database:
        await until(lambda: shown() == schema.NEEDED)
        postgres.kill()
        await until(lambda: not database.available)
        assert shown() == schema.NEEDED
        postgres.start()
        await until(lambda: database.available)
        database.drain()
        looked = looks()
        await asyncio.sleep(10 * schema.PERIOD_SECONDS)
        assert looks() <= looked + 1  # which was under way


def test_what_is_needed_is_the_newest_revision() -> None:
    """The number that the service holds the schema to is that of the last revision it brings."""
    (head,) = (
        script.revision
        for script in ScriptDirectory.from_config(alembic_config()).get_revisions("heads")
        if "expand" in script.branch_labels
    )
    assert head == f"expand_{schema.NEEDED:04}"
