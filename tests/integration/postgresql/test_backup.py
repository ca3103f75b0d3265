import shutil
import subprocess
from pathlib import Path

import pytest

from service.dev.postgres import server_user
from tests.integration.postgresql.conftest import users
from tests.postgres_pod import PostgresPod

pytestmark = pytest.mark.integration


class Backups:
    """The volume of backups, and the Jobs that use it."""

    def __init__(self, server: PostgresPod) -> None:
        self.server = server
        self.folder = server.folder / "backups"
        self._scratch = server.folder / "scratch"
        for path in (self.folder, self._scratch):
            shutil.rmtree(path, ignore_errors=True)
            path.mkdir()
            if (user := server_user()) is not None:
                shutil.chown(path, user)

    def run(self, script: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run backup.sh or restore.sh."""
        login = {"PGHOST": "127.0.0.1", "PGUSER": "users_owner", "PGPASSWORD": "secret of owner", "PGDATABASE": "users"}
        places = {"BACKUPS": str(self.folder), "SCRATCH": str(self._scratch), "KEEP": "2"}
        return self.server.carry_out(script, **login, **places, **environment)

    def take(self) -> str:
        """Make a backup; returns its name."""
        before = set(self.names)
        done = self.run("backup.sh")
        assert done.returncode == 0, done.stderr
        (name,) = set(self.names) - before
        return name

    @property
    def names(self) -> list[str]:
        """The backups that there are."""
        return sorted(path.name for path in self.folder.glob("[!.]*.dump"))

    @property
    def left_over(self) -> list[Path]:
        """What is there beside whole backups."""
        return [path for path in [*self.folder.glob(".*"), *self._scratch.iterdir()] if path.name != "sums"]

    def instead_of(self, program: str, text: str) -> dict[str, str]:
        """Put a faulty program in the place of one; returns the environment to run with. REAL is the real one."""
        faulty = self.server.folder / "faulty"
        faulty.mkdir(exist_ok=True)
        wrapper = faulty / program
        wrapper.write_text(f"#!/bin/sh\nREAL={self.server._programs / program}\n{text}", encoding="utf-8")
        wrapper.chmod(0o755)
        return {"PATH": f"{faulty}:{self.server.environment['PATH']}"}


@pytest.fixture
def backups(primary: PostgresPod) -> Backups:
    """Have a server with three users and no other table, and no backup yet."""
    return Backups(primary)


def test_a_restored_backup_is_what_was_dumped(backups: Backups) -> None:
    """Rows and rights are those of the backup, whatever has become of the tables since."""
    backups.take()
    backups.server.as_role("users_owner", "DROP TABLE users; CREATE TABLE later ()")
    done = backups.run("restore.sh")
    assert done.returncode == 0, done.stderr
    assert "are not as in the backup" not in done.stderr
    assert backups.server.as_role("users_app", "SELECT string_agg(name, ',') FROM users") == "user 1,user 2,user 3"
    assert backups.server.as_role("users_app", "DELETE FROM users WHERE id = 1") == ""
    assert backups.server.sql("SELECT to_regclass('later') IS NULL", "users") == "t"


def test_the_newest_are_kept_and_any_can_be_restored(backups: Backups) -> None:
    """Of three backups the last two stay; restored is the newest, or the one that is named."""
    names = []
    for _ in range(3):
        names.append(backups.take())
        backups.server.as_role("users_app", "INSERT INTO users SELECT max(id) + 1, 'later' FROM users")
    assert backups.names == names[1:]
    assert backups.left_over == []
    backups.server.as_role("users_app", "DELETE FROM users")
    assert backups.run("restore.sh").returncode == 0
    assert users(backups.server) == "5"
    assert backups.run("restore.sh", BACKUP=names[1]).returncode == 0
    assert users(backups.server) == "4"
    missing = backups.run("restore.sh", BACKUP=names[0])
    assert missing.returncode == 1
    assert names[2] in missing.stderr


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ('"$REAL" "$@" && truncate --size=-100 "$DUMP"', "error: the dump "),
        ('"$REAL" "$@" && : >"$DUMP"', "no table of contents"),
        ('"$REAL" "$@" --exclude-table-data=users', "differ"),
        ('"$REAL" "$@"; exit 1', "could not be dumped"),
    ],
    ids=["truncated", "empty", "without rows", "failed"],
)
def test_a_dump_that_is_not_whole_is_no_backup(backups: Backups, fault: str, message: str) -> None:
    """Whatever pg_dump leaves out, the Job fails, and the backups that there were stay as they are."""
    name = backups.take()
    done = backups.run("backup.sh", **backups.instead_of("pg_dump", fault))
    assert done.returncode == 1
    assert message in done.stderr
    assert backups.names == [name]
    assert backups.left_over == []


def test_a_database_without_tables_is_not_backed_up(backups: Backups) -> None:
    """An empty database is no success."""
    backups.server.as_role("users_owner", "DROP TABLE users")
    done = backups.run("backup.sh")
    assert done.returncode == 1
    assert "no tables" in done.stderr
    assert backups.names == []


def test_a_file_that_changed_is_not_restored(backups: Backups) -> None:
    """A backup whose bytes are not those that were proven changes nothing."""
    name = backups.take()
    with (backups.folder / name).open("r+b") as file:
        file.truncate(file.seek(0, 2) - 1)
    done = backups.run("restore.sh")
    assert done.returncode == 1
    assert "is not the file that was proven" in done.stderr
    assert users(backups.server) == "3"


def test_a_restore_that_fails_changes_nothing(backups: Backups) -> None:
    """All of it is one transaction: where a table can't be replaced, every row stays."""
    backups.take()
    backups.server.as_role("users_app", "DELETE FROM users WHERE id = 1")
    backups.server.sql("CREATE VIEW of_somebody AS SELECT id FROM users", "users")  # holds the table
    done = backups.run("restore.sh")
    assert done.returncode == 1
    assert "nothing was changed" in done.stderr
    assert users(backups.server) == "2"
