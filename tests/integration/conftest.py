import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.collector import Collector
from tests.http_server import serving
from tests.postgres_process import PostgresProcess, name_of, started
from tests.sabotage import Sabotage
from tests.schema import expanding_sql

_numbers = itertools.count()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """With --sabotage run a test once for each way in which what it is about can be broken."""
    if metafunc.config.getoption("--sabotage"):
        ways: list[Sabotage] = [mark.args[0] for mark in metafunc.definition.iter_markers("sabotage")]
        metafunc.parametrize("_sabotaged", [way.parameter for way in ways], indirect=True)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With --sabotage leave out what nothing is known to break."""
    if config.getoption("--sabotage"):
        here = Path(__file__).parent
        left_out = [item for item in items if here in item.path.parents and not item.get_closest_marker("sabotage")]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


@pytest.fixture(autouse=True)
def _sabotaged(request: pytest.FixtureRequest) -> None:
    """Break what the test is about, if it is run for that."""
    way: Sabotage | None = getattr(request, "param", None)
    if way is not None:
        way.break_it(request)


@pytest.fixture
def collector() -> Iterator[Collector]:
    """What traces are sent to."""
    server = Collector()
    with serving(server):
        yield server


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresProcess]:
    """Start a real PostgreSQL for the tests of a module."""
    with started() as process:
        yield process


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
