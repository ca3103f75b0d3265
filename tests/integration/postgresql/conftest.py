from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from service.dev import free_port
from service.dev.postgres import folder
from tests.postgres_pod import PostgresPod


class Pods(NamedTuple):
    """The servers of a release, none of which runs yet."""

    primary: PostgresPod
    replicas: tuple[PostgresPod, PostgresPod]

    def start(self) -> None:
        """Start all, and wait until the replicas follow."""
        self.primary.begin()
        for replica in self.replicas:
            replica.begin()
        self.wait_for_replicas(2)

    def wait_for_replicas(self, count: int) -> None:
        """Wait until so many replicas have all that is committed."""
        caught_up = "SELECT count(*) FROM pg_stat_replication WHERE replay_lsn >= pg_current_wal_lsn()"
        self.primary.until(lambda: self.primary.sql(caught_up) == str(count))


def _pods(place: Path) -> Pods:
    ports = (free_port(), free_port(), free_port())

    def pod(script: str, number: int) -> PostgresPod:
        mine = place / str(number)
        mine.mkdir()
        return PostgresPod(mine, script, ports[number], primary=ports[0], replicas=ports[1:])

    return Pods(pod("primary.sh", 0), (pod("replica.sh", 1), pod("replica.sh", 2)))


@pytest.fixture
def pods() -> Iterator[Pods]:
    """Have a primary and two replicas, with files of their own."""
    with folder() as place:
        pods = _pods(place)
        yield pods
        for each in (pods.primary, *pods.replicas):
            each.end()


@pytest.fixture(scope="module")
def _primary() -> Iterator[PostgresPod]:
    with folder() as place:
        primary = _pods(place).primary
        yield primary
        primary.end()


@pytest.fixture
def primary(_primary: PostgresPod) -> PostgresPod:
    """Have a primary without replicas, with the service's table and three users; the module's tests share it."""
    _primary.start()
    _primary.sql("DROP TABLE IF EXISTS users CASCADE", "users")
    make_users(_primary)
    return _primary


def make_users(server: PostgresPod) -> None:
    """Make the table as the migration's role does, and three users as the service's does."""
    assert server.as_role("users_owner", "CREATE TABLE users (id bigint PRIMARY KEY, name text)") == ""
    assert server.as_role("users_app", "INSERT INTO users SELECT i, 'user ' || i FROM generate_series(1, 3) i") == ""


def users(server: PostgresPod) -> str:
    """How many there are."""
    return server.sql("SELECT count(*) FROM users", "users")
