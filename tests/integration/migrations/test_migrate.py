import asyncio
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from alembic import command
from alembic.util import CommandError
from sqlalchemy.exc import DBAPIError

from service import migrate
from service.command import EX_TEMPFAIL
from service.database import DatabaseConfig
from service.dev import free_port
from tests.integration.migrations import without_lock
from tests.postgres_process import PostgresProcess, name_of
from tests.sabotage import sabotage
from tests.schema import expanding_sql

pytestmark = [pytest.mark.anyio, pytest.mark.integration]

ROOT = Path(__file__).parents[3]
JOB = migrate.__name__
# So that jobs that begin at the same time also work at the same time.
SLOW = """
    CREATE FUNCTION slowly() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(1); END $$;
    CREATE EVENT TRIGGER slow ON ddl_command_start WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION slowly();
"""


def revisions(postgres: PostgresProcess, url: str) -> list[str]:
    """What the database says that it is at."""
    return postgres.sql("SELECT version_num FROM alembic_version", name_of(url)).splitlines()


async def test_the_schema_is_made_once(postgres: PostgresProcess, database_url: str) -> None:
    """The first run makes the tables; the second finds nothing to do; there is nothing to take away yet."""
    branches: list[migrate.Branch] = ["expand", "expand", "contract"]
    for branch in branches:
        await migrate.migrate(DatabaseConfig(database_url), branch)
    assert revisions(postgres, database_url) == ["expand_0001"]
    assert postgres.sql("SELECT count(*) FROM users", name_of(database_url)) == "0"


def lock_nobody_out(request: pytest.FixtureRequest) -> None:
    """Start jobs that do not wait for each other."""
    request.getfixturevalue("monkeypatch").setattr(request.module, "JOB", without_lock.__name__)


@sabotage("there is no lock", lock_nobody_out)
@pytest.mark.measured
def test_of_five_at_once_one_migrates(postgres: PostgresProcess, database_url: str) -> None:
    """Five Jobs end with success, one of which has made the tables."""
    postgres.sql(SLOW, name_of(database_url))
    environment = {**os.environ, "USERS_API_DATABASE_URL": database_url}
    jobs = [
        subprocess.Popen([sys.executable, "-m", JOB], cwd=ROOT, env=environment, stdout=subprocess.PIPE)
        for _ in range(5)
    ]
    output = [job.communicate()[0] for job in jobs]
    assert [job.returncode for job in jobs] == [0] * 5
    assert b"".join(output).count(b"Running upgrade  -> expand_0001") == 1
    assert revisions(postgres, database_url) == ["expand_0001"]


async def test_a_newer_schema_is_left_alone(
    postgres: PostgresProcess, database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    """After a rollback the old version's Job succeeds on the schema of the new one, and changes nothing."""
    await migrate.migrate(DatabaseConfig(database_url))
    postgres.sql("UPDATE alembic_version SET version_num = 'expand_9999'", name_of(database_url))
    await migrate.migrate(DatabaseConfig(database_url))
    assert revisions(postgres, database_url) == ["expand_9999"]
    assert "newer than this version" in caplog.text


async def test_who_is_second_waits(
    postgres: PostgresProcess, database_url: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While another holds the lock nothing is done."""
    caplog.set_level("INFO")
    monkeypatch.setattr(migrate, "POLL_SECONDS", 0.1)
    database = DatabaseConfig(database_url)
    async with migrate._connection(database) as other:
        await migrate._lock(other)
        waiting = asyncio.create_task(migrate.migrate(database))
        async with asyncio.timeout(30):
            while "another migration is running" not in caplog.text:  # noqa: ASYNC110 - it is logged by a task
                await asyncio.sleep(0.05)
        assert postgres.sql("SELECT to_regclass('users')", name_of(database_url)) == ""
    await waiting
    assert revisions(postgres, database_url) == ["expand_0001"]


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give up after a short while."""
    monkeypatch.setattr(migrate, "LOCK_TIMEOUT_SECONDS", 1)
    monkeypatch.setattr(migrate, "LOCK_ATTEMPTS", 2)
    monkeypatch.setattr(migrate, "LOCK_PAUSE_SECONDS", 0.1)
    monkeypatch.setattr(migrate, "CONNECT_ATTEMPTS", 2)
    monkeypatch.setattr(migrate, "POLL_SECONDS", 0.1)


@pytest.mark.usefixtures("hasty")
async def test_a_table_in_use_is_not_waited_for_in_the_way_of_others(
    database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A lock that is not to be had is given up, tried for again, and in the end named."""
    database = DatabaseConfig(database_url)
    await migrate.migrate(database)
    async with migrate._connection(database) as reader:
        await reader.exec_driver_sql("DELETE FROM alembic_version")
        await reader.exec_driver_sql("DROP TABLE users, idempotency_keys")
        await reader.commit()
        await reader.exec_driver_sql("LOCK alembic_version")
        with pytest.raises(migrate.MigrationError, match="stayed in use through 2 attempts"):
            await migrate.migrate(database)
    assert "a table is in use, trying again" in caplog.text
    await migrate.migrate(database)


async def test_another_failure_is_not_tried_again(postgres: PostgresProcess, database_url: str) -> None:
    """What is wrong with a statement is raised at once."""
    postgres.sql("CREATE TABLE users (id int)", name_of(database_url))
    with pytest.raises(DBAPIError, match="already exists"):
        await migrate.migrate(DatabaseConfig(database_url))


@pytest.mark.usefixtures("hasty")
def test_the_command_says_what_is_wrong(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Without a URL, with a wrong one, and without a server, it ends with a status and a line."""
    monkeypatch.setattr(sys, "argv", ["migrate"])
    for url, message in (("", "DATABASE_URL is empty"), ("mysql://x", "must be an address")):
        monkeypatch.setenv("USERS_API_DATABASE_URL", url)
        with pytest.raises(SystemExit) as error:
            migrate.main()
        assert error.value.code == 64
        assert message in capsys.readouterr().err
    monkeypatch.setenv("USERS_API_DATABASE_URL", f"postgresql://postgres@127.0.0.1:{free_port()}/x")
    assert migrate.main() == EX_TEMPFAIL
    assert "error:" in capsys.readouterr().err


def test_the_command_migrates(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It ends with success, and so it does where there is nothing to contract."""
    monkeypatch.setenv("USERS_API_DATABASE_URL", database_url)
    for arguments in (["migrate"], ["migrate", "--contract"]):
        monkeypatch.setattr(sys, "argv", arguments)
        assert migrate.main() == 0


def answer_with(monkeypatch: pytest.MonkeyPatch, errno: int) -> None:
    """Have the resolver say this: no machine of a test's can be trusted to know that a name is not there."""

    def getaddrinfo(*_: object) -> None:
        raise socket.gaierror(errno, "of this test")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


def test_ahead_of_a_release_that_brings_the_server_there_is_nothing_to_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where nothing has the server's name yet the hook ends well at once, if it was told that this may be."""
    monkeypatch.setenv("USERS_API_DATABASE_URL", "postgresql://postgres@database/x")
    monkeypatch.setattr(sys, "argv", ["migrate", "--skip-if-absent"])
    answer_with(monkeypatch, socket.EAI_NONAME)
    assert migrate.main() == 0
    assert "nothing to migrate yet" in capsys.readouterr().out


def test_a_resolver_that_does_not_know_says_nothing_of_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that could not be looked up may be there: the migration is not left out for that."""
    answer_with(monkeypatch, socket.EAI_AGAIN)
    assert not migrate.is_absent(DatabaseConfig("postgresql://postgres@database/x"))


@pytest.mark.usefixtures("hasty")
def test_a_server_that_is_only_away_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name whose server does not answer is a failure all the same."""
    monkeypatch.setenv("USERS_API_DATABASE_URL", f"postgresql://postgres@localhost:{free_port()}/x")
    monkeypatch.setattr(sys, "argv", ["migrate", "--skip-if-absent"])
    assert migrate.main() == EX_TEMPFAIL


async def test_of_several_hosts_the_primary_is_migrated(
    postgres: PostgresProcess, replica: PostgresProcess, database_url: str
) -> None:
    """A replica that is named first is passed over, as for the service's writes."""
    several = database_url.replace(f":{postgres.port}/", f":{replica.port},127.0.0.1:{postgres.port}/")
    assert several != database_url
    await migrate.migrate(DatabaseConfig(several))
    assert revisions(postgres, database_url) == ["expand_0001"]


def test_expanding_stops_nobody(tmp_path: Path) -> None:
    """Squawk finds no statement that would lock a table for long, or break what the old version does."""
    file = tmp_path / "expand.sql"
    # Alembic's own table comes before.
    ours = expanding_sql().partition("-- Running upgrade")[2].partition("\n")[2]
    file.write_text(f"BEGIN;\nSET lock_timeout = '{migrate.LOCK_TIMEOUT_SECONDS}s';\n{ours}")
    # An index on a large table takes as long as it takes.
    squawk = ["squawk", "--pg-version=15", "--exclude=require-statement-timeout", "--exclude=transaction-nesting"]
    done = subprocess.run([Path(sys.executable).parent / squawk[0], *squawk[1:], file], capture_output=True, text=True,
                          check=False)  # fmt: skip
    assert done.returncode == 0, done.stdout
    file.write_text("ALTER TABLE users DROP COLUMN name;")
    assert subprocess.run([Path(sys.executable).parent / squawk[0], *squawk[1:], file], capture_output=True,
                          check=False).returncode != 0  # fmt: skip


def test_there_is_one_history_of_each_branch() -> None:
    """Two heads of one branch would be two opinions of what comes next."""
    with pytest.raises(CommandError):
        command.upgrade(migrate.config(), "contract@head", sql=True)
    assert "CREATE TABLE users" in expanding_sql()
