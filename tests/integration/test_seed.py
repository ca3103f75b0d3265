import asyncio
import subprocess
import sys

import asyncpg
import pytest

from service import seed
from service.command import EX_TEMPFAIL
from service.database import DatabaseConfig
from service.dev import free_port
from service.users import queries
from tests.postgres_process import PostgresProcess, name_of
from tests.sabotage import patched, sabotage

pytestmark = pytest.mark.integration


def run(monkeypatch: pytest.MonkeyPatch, url: str, *arguments: str) -> int:
    """Run the command."""
    monkeypatch.setenv("USERS_API_DATABASE_URL", url)
    monkeypatch.setattr(sys, "argv", ["seed", *arguments])
    return seed.main()


@sabotage("the sequence is not moved", patched((queries, "MOVE_SEQUENCE", "SELECT 1")))
def test_a_hundred_thousand_users(
    postgres: PostgresProcess, users_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """They are all there, with a bar that says how far it is; the next id is above them."""
    name = name_of(users_url)
    assert run(monkeypatch, users_url, "--users", "100000") == 0
    assert postgres.sql("SELECT count(*), min(id), max(id) FROM users", name) == "100000|1|100000"
    assert postgres.sql("SELECT nextval('users_id_seq')", name) == "100001"
    lines = capsys.readouterr().err.split("\r")
    assert lines[1].startswith("[####")
    assert lines[-1] == f"[{'#' * 40}] 100,000 of 100,000 users\n"


@sabotage(
    "who is there is inserted again",
    patched((queries, "INSERT_SEED", queries.INSERT_SEED.replace("ON CONFLICT DO NOTHING", ""))),
    raises=asyncpg.UniqueViolationError,
)
def test_seeding_again_adds_what_is_missing(postgres: PostgresProcess, users_url: str) -> None:
    """Who is there stays as it is; who was deleted comes back, newer than its deletion; addresses stay unique."""
    name = name_of(users_url)
    database = DatabaseConfig(users_url)
    asyncio.run(seed.seed(database, 20))
    postgres.sql("UPDATE users SET name = 'x' WHERE id = 7", name)
    version = postgres.sql("SELECT version FROM users WHERE id = 8", name)
    postgres.sql("DELETE FROM users WHERE id = 8", name)
    postgres.sql("DELETE FROM users WHERE id = 9", name)
    postgres.sql("INSERT INTO users SELECT 900, 'y', 'LESLIE.ALLEN.8@example.com', now(), 1", name)
    asyncio.run(seed.seed(database, 20))
    assert postgres.sql("SELECT name FROM users WHERE id = 7", name) == "x"
    assert postgres.sql("SELECT count(*) FROM users WHERE id <= 20", name) == "19"  # 8's address is another's
    assert int(postgres.sql("SELECT version FROM users WHERE id = 9", name)) > int(version)
    assert postgres.sql("SELECT nextval('users_id_seq')", name) == "901"


@pytest.mark.measured
def test_the_command_says_what_is_wrong(
    database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without tables, without a server, and with a number that can't be meant it ends with a status and a line."""
    assert run(monkeypatch, database_url) == EX_TEMPFAIL
    assert "run python -m service.migrate first" in capsys.readouterr().err
    assert run(monkeypatch, f"postgresql://postgres@127.0.0.1:{free_port()}/x") == EX_TEMPFAIL
    assert "error:" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        run(monkeypatch, database_url, "--users", "0")
    assert "--users must be 1 to" in capsys.readouterr().err
    help_text = subprocess.run([sys.executable, "-m", "service.seed", "--help"], check=True, capture_output=True).stdout
    assert b"default: 1000" in help_text
