import getpass
import os
import signal
from collections.abc import Generator, Iterator
from pathlib import Path

import hypothesis
import pytest

from service.dev import postgres
from service.settings import PREFIX
from tests.redis_process import RedisProcess

# asyncpg, cut off while it asks a server for TLS, leaves a failure that nobody looks at, and that ends the test.
os.environ["PGSSLMODE"] = "disable"
# What a shell has for a service of its user's is not meant for those of the tests.
for name in [name for name in os.environ if name.upper().startswith(PREFIX)]:
    del os.environ[name]
# What a shell starts in the background ignores SIGINT, and so would all that tests start: a server is stopped by it.
signal.signal(signal.SIGINT, signal.default_int_handler)
# How long an example takes says more of the machine than of what is tested.
hypothesis.settings.register_profile(
    "unhurried", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("unhurried")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of this suite."""
    parser.addoption(
        "--property-rounds", type=int, default=1, help="how often the caches' property test goes through each fault"
    )
    parser.addoption(
        "--increments", type=int, default=500, metavar="N", help="how many conditional increments two processes try"
    )
    parser.addoption("--cases", type=int, default=1000, help="how many requests the fuzz test generates")
    parser.addoption(
        "--sabotage", action="store_true", help="break what a test or an experiment is about: it must not hold"
    )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, bool, bool]:
    """Have no process measure its coverage that a test starts, but for those whose coverage nobody else has."""
    with pytest.MonkeyPatch.context() as environment:
        if not item.get_closest_marker("measured"):
            for name in [name for name in os.environ if name.startswith("COVERAGE_")]:
                environment.delenv(name)
        return (yield)


@pytest.fixture
def anyio_backend() -> str:
    """Run async tests on asyncio."""
    return "asyncio"


@pytest.fixture
def postgres_user(monkeypatch: pytest.MonkeyPatch) -> str:
    """Whose processes an embedded PostgreSQL's are, always another name than None."""
    name = postgres.server_user() or getpass.getuser()
    monkeypatch.setattr(postgres, "server_user", lambda: name)
    return name


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisProcess]:
    """Start a real redis-server of this test's own."""
    process = RedisProcess(tmp_path)
    process.start()
    yield process
    process.kill()
