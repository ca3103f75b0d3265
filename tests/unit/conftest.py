from pathlib import Path

import pytest

from service.dev.postgres import LocalPostgres
from service.dev.redis import LocalRedis

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let unit tests connect to this machine only."""
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.allow_hosts(["127.0.0.1", "::1"]))


@pytest.fixture(autouse=True)
def _no_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse to run a Redis or a PostgreSQL: these tests pass where there is none."""

    def refuse(*_arguments: object) -> None:
        raise AssertionError("a unit test runs no server: what needs one goes into tests/integration")

    monkeypatch.setattr(LocalRedis, "start", refuse)
    monkeypatch.setattr(LocalPostgres, "run", refuse)
    monkeypatch.setattr(LocalPostgres, "start", refuse)
