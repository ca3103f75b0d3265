import itertools
from collections.abc import Iterator

import pytest

from service.dev.postgres import folder
from tests.postgres_process import PostgresProcess, name_of
from tests.schema import expanding_sql

_numbers = itertools.count()


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresProcess]:
    """Start a real PostgreSQL for the tests of a module."""
    with folder() as path:
        process = PostgresProcess(path)
        process.create()
        process.start()
        yield process
        process.kill()


@pytest.fixture(scope="module")
def replica(postgres: PostgresProcess) -> Iterator[PostgresProcess]:
    """Start a streaming replica of it."""
    process = postgres.replica()
    process.start()
    yield process
    process.kill()


@pytest.fixture
def database_url(postgres: PostgresProcess) -> Iterator[str]:
    """Make an empty database of this test's own on a server that runs, and drop it afterwards."""
    name = f"test_{next(_numbers)}"
    postgres.sql(f"CREATE DATABASE {name}")
    yield postgres.url(name)
    postgres.resume()
    postgres.start()
    postgres.sql(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def users_url(postgres: PostgresProcess, database_url: str) -> str:
    """Make a database with our schema, and nobody in it."""
    postgres.sql(expanding_sql(), name_of(database_url))
    return database_url
