import json
from collections.abc import Iterator

import pytest

from loadtests.explain import QUERIES, tables_read_to_the_end
from tests.postgres_process import PostgresProcess
from tests.sabotage import Break, sabotage
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


def _carried_out(statement: str, *, and_afterwards: str) -> Break:
    """Return what changes the schema for one test."""

    def break_it(request: pytest.FixtureRequest) -> None:
        postgres: PostgresProcess = request.getfixturevalue("postgres")
        million = request.getfixturevalue("million")
        postgres.sql(statement, million)
        request.addfinalizer(lambda: postgres.sql(and_afterwards, million))

    return break_it


@sabotage(
    "the users' primary key is dropped",
    _carried_out(
        "ALTER TABLE users DROP CONSTRAINT users_pkey", and_afterwards="ALTER TABLE users ADD PRIMARY KEY (id)"
    ),
)
@sabotage(
    "the index of the keys' times is dropped",
    _carried_out(
        "DROP INDEX idempotency_keys_created_at",
        and_afterwards="CREATE INDEX idempotency_keys_created_at ON idempotency_keys (created_at)",
    ),
)
def test_each_statement_finds_its_rows_by_an_index(postgres: PostgresProcess, million: str) -> None:
    """With a million rows no statement reads a table from end to end."""
    found = {name: _read_to_the_end(query.sql, postgres, million) for name, query in QUERIES.items()}
    assert {name: tables for name, tables in found.items() if tables} == {}
