import shutil

import pytest

from service.dev.postgres import server_user
from tests.integration.postgresql.conftest import Pods, make_users, users
from tests.postgres_pod import PostgresPod

pytestmark = pytest.mark.integration


def test_a_replica_copies_the_primary_and_follows_it(pods: Pods) -> None:
    """All may start at once; the replicas wait for the primary, then have what it has, and are only to be read."""
    pods.start()
    make_users(pods.primary)
    pods.wait_for_replicas(2)
    for replica in pods.replicas:
        assert replica.as_role("users_app", "SELECT count(*) FROM users") == "3"
        assert "read-only" in replica.as_role("users_app", "DELETE FROM users")


def test_a_replica_that_dies_follows_again(pods: Pods) -> None:
    """It goes on from its files, without another copy."""
    pods.start()
    replica = pods.replicas[0]
    replica.kill()
    replica.until(lambda: "is started again" in replica.log)
    pods.wait_for_replicas(2)
    assert replica.log.count("copying the server") == 1


def test_a_replica_starts_without_a_primary(pods: Pods) -> None:
    """Reads are answered from what it has while there is no primary."""
    pods.start()
    make_users(pods.primary)
    pods.wait_for_replicas(2)
    pods.primary.end()
    replica = pods.replicas[0]
    replica.stop()
    replica.start()
    assert users(replica) == "3"


def leave_behind(pods: Pods) -> PostgresPod:
    """Stop a replica until the primary has no longer what it lacks; returns it."""
    make_users(pods.primary)
    pods.wait_for_replicas(2)
    for setting in ("wal_keep_size = 0", "max_wal_size = '32MB'", "min_wal_size = '32MB'"):
        pods.primary.sql(f"ALTER SYSTEM SET {setting}")
    pods.primary.sql("SELECT pg_reload_conf()")
    replica = pods.replicas[0]
    replica.stop()
    for _ in range(4):
        pods.primary.sql("CREATE TABLE filler AS SELECT repeat('x', 2000) FROM generate_series(1, 10000)", "users")
        pods.primary.sql("DROP TABLE filler; CHECKPOINT; SELECT pg_switch_wal()", "users")
    return replica


def instead_of_copies(server: PostgresPod, text: str) -> None:
    """Have no real copy made here."""
    faulty = server.folder / "faulty"
    faulty.mkdir()
    program = faulty / "pg_basebackup"
    program.write_text(f'#!/bin/sh\nmkdir "${{1#--pgdata=}}"\n{text}\n', encoding="utf-8")
    program.chmod(0o755)
    server.environment["PATH"] = f"{faulty}:{server.environment['PATH']}"


def test_a_replica_that_was_away_too_long_is_copied_afresh(pods: Pods) -> None:
    """The primary keeps only so much for it: when that is gone, the replica is back by itself."""
    pods.start()
    replica = leave_behind(pods)
    replica.start()
    pods.wait_for_replicas(2)
    assert "cannot be followed: nothing received" in replica.log
    assert users(replica) == "3"


def test_a_replica_without_room_for_another_copy_keeps_the_one_it_has(pods: Pods) -> None:
    """Where no copy becomes whole the old one answers without a pause, can be promoted, and has all of the disk."""
    pods.start()
    replica = leave_behind(pods)
    instead_of_copies(replica, "exit 1")
    replica.start()
    server = (replica.data / "postmaster.pid").read_text(encoding="utf-8").split()[0]
    replica.until(lambda: replica.log.count("the copy broke off") == 2)
    assert (replica.data / "postmaster.pid").read_text(encoding="utf-8").split()[0] == server
    assert users(replica) == "3"
    pods.primary.end()
    pods.replicas[1].end()
    replica.until(lambda: not replica.data.with_name("data.new").exists())
    assert replica.carry_out("promote.sh").returncode == 0
    assert replica.as_role("users_app", "INSERT INTO users VALUES (4, 'after')") == ""


def test_a_copy_of_before_a_promotion_is_not_taken(pods: Pods) -> None:
    """Promoted while it copies, as the primary is silent, a replica keeps what was written to it since."""
    pods.start()
    replica = leave_behind(pods)
    instead_of_copies(replica, f"while [ ! -e {replica.folder}/over ]; do sleep 0.1; done")
    replica.start()
    replica.until(replica.data.with_name("data.new").exists)
    pods.primary.end()
    pods.replicas[1].end()
    assert replica.carry_out("promote.sh").returncode == 0
    assert replica.as_role("users_app", "INSERT INTO users VALUES (4, 'after')") == ""
    (replica.folder / "over").touch()
    replica.until(lambda: "the copy is not taken" in replica.log)
    assert users(replica) == "4"


def test_a_copy_that_broke_off_is_never_taken_for_a_whole_one(pods: Pods) -> None:
    """Killed while it copies, a replica begins again from the files that it has."""
    pods.start()
    replica = leave_behind(pods)
    half = replica.data.with_name("data.new")
    half.mkdir()
    (half / "PG_VERSION").touch()
    if (user := server_user()) is not None:
        shutil.chown(half, user)
    replica.data.rename(replica.data.with_name("data.old"))
    replica.start()
    assert users(replica) == "3"
    assert not replica.data.with_name("data.old").exists()
    pods.wait_for_replicas(2)


def test_what_is_left_of_the_data_is_not_thrown_away_for_another_server(pods: Pods) -> None:
    """Where the primary was made anew, a replica with the old data stops and keeps them."""
    pods.start()
    make_users(pods.primary)
    pods.wait_for_replicas(2)
    for replica in pods.replicas:
        replica.stop()
    pods.primary.lose_files()
    pods.primary.start()
    replica = pods.replicas[0]
    replica.begin()
    assert replica.exits() == 1
    assert "another server" in replica.log
    pods.primary.end()
    replica.start()
    assert users(replica) == "3"
