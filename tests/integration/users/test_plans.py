import json
from collections.abc import Iterator

import pytest

from loadtests.explain import QUERIES, tables_read_to_the_end
from tests.postgres_process import PostgresProcess
from tests.schema import expanding_sql

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def million(postgres: PostgresProcess) -> Iterator[str]:
    """Make a database with a million users, and as many keys."""
    postgres.sql("CREATE DATABASE million")
    postgres.sql(expanding_sql(), "million")
    rows = "FROM generate_series(1, 1000000) n"
    postgres.sql("INSERT INTO users SELECT n, 'Ada', 'ada.' || n || '@example.com', now(), n " + rows, "million")
    postgres.sql("INSERT INTO idempotency_keys SELECT int4send(n), '', n, n, now() " + rows, "million")
    postgres.sql("VACUUM ANALYZE", "million")
    yield "million"
    postgres.sql("DROP DATABASE million WITH (FORCE)")


def _read_to_the_end(sql: str, postgres: PostgresProcess, database: str) -> list[str]:
    """Return the tables that a statement reads from end to end, whatever its arguments."""
    (explained,) = json.loads(postgres.sql(f"EXPLAIN (FORMAT JSON, GENERIC_PLAN) {sql}", database))
    return tables_read_to_the_end(explained["Plan"])


@pytest.mark.parametrize("name", QUERIES)
def test_each_statement_finds_its_rows_by_an_index(name: str, postgres: PostgresProcess, million: str) -> None:
    """With a million rows no statement reads a table from end to end."""
    assert _read_to_the_end(QUERIES[name].sql, postgres, million) == []


def test_a_statement_without_an_index_is_found_out(postgres: PostgresProcess, million: str) -> None:
    """One that looks for a name would read them all."""
    assert _read_to_the_end("SELECT id FROM users WHERE name = $1 LIMIT 1", postgres, million) == ["users"]
