import subprocess

import pytest

from tests.integration.postgresql.conftest import Pods, users
from tests.postgres_pod import PostgresPod

pytestmark = pytest.mark.integration


def test_the_service_may_change_rows_and_not_the_schema(primary: PostgresPod) -> None:
    """The app's role has the owner's tables to read and write, within its time limits, and can make or drop none."""
    assert primary.as_role("users_app", "UPDATE users SET name = 'x'; SELECT count(*) FROM users") == "3"
    assert "must be owner" in primary.as_role("users_app", "DROP TABLE users")
    assert "permission denied" in primary.as_role("users_app", "CREATE TABLE more ()")
    assert "statement timeout" in primary.as_role("users_app", "SELECT pg_sleep(30)")


@pytest.mark.parametrize(
    ("role", "database"),
    [("postgres", "users"), ("users_monitor", "postgres"), ("users_replication", "users"), ("users_app", "postgres")],
)
def test_who_is_not_named_is_refused(primary: PostgresPod, role: str, database: str) -> None:
    """The superuser does not log in over the network, and nobody where there is nothing for them."""
    assert "no pg_hba.conf entry" in primary.as_role(role, "SELECT 1", database)


def test_the_exporter_has_three_connections(primary: PostgresPod) -> None:
    """The monitor's role sees what all are doing, and can't use up the server's connections."""
    seen = (
        "SELECT count(*) > 0 FROM pg_stat_activity WHERE query <> '<insufficient privilege>' AND usename = 'postgres'"
    )
    assert primary.as_role("users_monitor", seen) == "t"
    assert primary.sql("SELECT rolconnlimit FROM pg_roles WHERE rolname = 'users_monitor'") == "3"


def test_passwords_are_those_of_the_secret_after_each_start(primary: PostgresPod) -> None:
    """A password that was changed in the Secret is the one that counts, and is in no log."""
    primary.stop()
    primary.environment["APP_PASSWORD"] = "ano'ther \\: one"
    primary.start()
    primary.until(lambda: primary.as_role("users_app", "SELECT 1") == "1")
    assert "password authentication failed" in primary.as_role("users_app", "SELECT 1", password="secret of app")
    assert "ano'ther" not in primary.log
    assert "secret of" not in primary.log
    primary.stop()
    primary.environment["APP_PASSWORD"] = "secret of app"


def test_a_server_that_dies_is_started_again(primary: PostgresPod) -> None:
    """The pod goes on without the kubelet, which would make it wait; what was committed is there."""
    for _ in range(2):
        primary.kill()
        primary.until(lambda: primary.as_role("users_app", "SELECT count(*) FROM users") == "3")


def test_a_stop_does_not_wait_for_clients(primary: PostgresPod) -> None:
    """A connected client is sent away, and the server ends in order: its next start has nothing to recover."""
    client = subprocess.Popen(
        [primary._programs / "psql", "-X", "-c", "SELECT pg_sleep(600)", "users"],
        env=primary.environment | {"PGUSER": "users_owner", "PGPASSWORD": "secret of owner", "PGHOST": "127.0.0.1"},
        stderr=subprocess.DEVNULL,
    )
    asleep = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
    primary.until(lambda: primary.sql(asleep) == "1")
    recoveries = primary.log.count("not properly shut down")
    assert primary.stop_in_order() == 0
    client.wait()
    primary.start()
    assert primary.log.count("not properly shut down") == recoveries


def test_files_of_another_version_are_not_touched(primary: PostgresPod) -> None:
    """An image of another major version says how to go on, and changes nothing."""
    primary.stop()
    version = primary.data / "PG_VERSION"
    version.write_text("16\n", encoding="utf-8")
    primary.begin()
    assert primary.exits() == 1
    assert "take a backup" in primary.log
    assert version.read_text(encoding="utf-8") == "16\n"
    primary.lose_files()


def test_a_start_that_broke_off_begins_anew(primary: PostgresPod) -> None:
    """Half of a new server is never taken for a whole one."""
    primary.stop()
    half = primary.data.rename(primary.data.with_name("data.new"))
    (half / "global" / "pg_control").unlink()
    primary.start()
    assert not half.exists()


def test_an_empty_volume_is_not_begun_on_while_a_replica_has_the_data(pods: Pods) -> None:
    """A primary without files makes no empty server where a replica waits for one: it says what to do."""
    pods.start()
    pods.primary.lose_files()
    pods.primary.begin()
    assert pods.primary.exits() == 1
    assert "promote.sh" in pods.primary.log
    assert users(pods.replicas[0]) == ""  # there is no table yet, and no new server either
    assert not pods.primary.data.exists()
