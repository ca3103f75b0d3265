"""The commands of docs/postgresql.md by which a release moves to another server."""

import re
import shutil
import subprocess
import textwrap
from collections.abc import AsyncIterator
from contextlib import suppress

import anyio
import asyncpg
import pytest

from service.database import DatabaseConfig
from service.dev.postgres import server_user
from service.migrate import migrate
from service.seed import seed
from tests.documented_roles import PAGE, statements
from tests.integration.migrations.test_roles import carry_out
from tests.integration.postgresql.conftest import Pods
from tests.postgres_pod import PostgresPod
from tests.postgres_process import PostgresProcess
from tests.sabotage import patched, sabotage

pytestmark = [pytest.mark.anyio, pytest.mark.integration]

SEEDED = 200
# What the page leaves to whoever pastes it.
SERVER, PASSWORD = "users_owner@db.example.com/users?sslmode=verify-full&sslrootcert=ca.pem", "PGPASSWORD=..."
# Carries out in the primary's pod what is for it, and notes what else it is told.
KUBECTL = """#!/bin/sh
if [ "$3" != exec ]; then
  echo "$*" >>"$CALLS"
  exit
fi
shift 7
for word; do
  shift
  set -- "$@" "$(printf %s "$word" | sed "s|^/etc/postgresql/|$MOUNTED/|")"
done
unset PGPASSWORD
exec env PGHOST="$POD_HOST" PGPORT="$POD_PORT" "$@"
"""
HELM = """#!/bin/sh
echo "helm $*" >>"$CALLS"
"""
INSERT = "INSERT INTO users (name, email, created_at, version) VALUES ('Ada', $1, now(), 1) RETURNING id"


class Move:
    """Somebody who pastes the page's commands."""

    refusal = "NOLOGIN"  # by which the old server lets the service in no more

    def __init__(self, old: PostgresPod, new: PostgresProcess) -> None:
        self._folder = old.folder / "here"
        self._folder.mkdir()
        for name, text in (("kubectl", KUBECTL), ("helm", HELM)):
            (self._folder / name).write_text(text, encoding="utf-8")
            (self._folder / name).chmod(0o755)
        if (user := server_user()) is not None:
            shutil.chown(self._folder, user)
        self._ours = {
            SERVER: new.url("users", "users_owner").removeprefix("postgresql://"),
            PASSWORD: "PGPASSWORD=any",
            "NOLOGIN": self.refusal,
        }
        self._calls = self._folder / "calls"
        self._environment = {
            "PATH": f"{self._folder}:{old.environment['PATH']}",
            "CALLS": str(self._calls),
            "MOUNTED": str(old.folder / "postgresql"),
            "POD_HOST": old.environment["PGHOST"],
            "POD_PORT": str(old.port),
        }

    def paste(self) -> str:
        """Paste all of it, into one shell that ends where a command fails; returns what it shows."""
        section = PAGE.read_text(encoding="utf-8").partition("### To a managed server\n")[2].partition("\n## ")[0]
        blocks = re.findall(r"```bash\n(.*?)```", section, re.DOTALL)
        text = "\n".join(["set -eu", *map(textwrap.dedent, blocks)])
        for theirs, ours in self._ours.items():
            assert theirs in text
            text = text.replace(theirs, ours)
        done = subprocess.run(
            ["bash", "-c", text],
            cwd=self._folder,
            env=self._environment,
            user=server_user(),
            check=False,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout

    @property
    def calls(self) -> list[str]:
        """What kubectl and helm were told, but for the release's name and namespace."""
        return [line.replace("-n users-api ", "") for line in self._calls.read_text(encoding="utf-8").splitlines()]


class Writer:
    """A pod that was started again in spite of all, and writes whenever it is let in."""

    def __init__(self, server: DatabaseConfig) -> None:
        self._server = server
        self.acknowledged: list[int] = []
        self.has_begun = anyio.Event()
        self.is_to_end = False

    async def run(self) -> None:
        """Write until it is not let in, or is to end."""
        while not self.is_to_end:
            try:
                connection = await asyncpg.connect(**self._server.login)
            except asyncpg.InvalidAuthorizationSpecificationError:
                return
            with suppress(asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError):
                await self._write(connection)

    async def _write(self, connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        while not self.is_to_end:
            email = f"{len(self.acknowledged)}@example.com"
            self.acknowledged.append(await connection.fetchval(INSERT, email))
            self.has_begun.set()
        await connection.close()


def login(server: PostgresPod, role: str) -> DatabaseConfig:
    """How a role logs in to the old server."""
    url = f"postgresql://127.0.0.1:{server.port}/users"
    return DatabaseConfig(url, username=f"users_{role}", password=f"secret of {role}")


@pytest.fixture
async def old(pods: Pods) -> PostgresPod:
    """Have a primary with the service's tables, and some users."""
    pods.primary.start()
    owner = login(pods.primary, "owner")
    await migrate(owner)
    await seed(owner, SEEDED)
    return pods.primary


@pytest.fixture
async def new(postgres: PostgresProcess) -> AsyncIterator[PostgresProcess]:
    """Have another server, with roles and rights as the page has them, and no table."""
    roles, defaults, limits, _ = statements()
    for statement in (*roles, *limits):
        postgres.sql(statement)
    await carry_out(postgres.url("users", "users_owner"), defaults)
    yield postgres
    for thing in ("DATABASE users", "ROLE users_app", "ROLE users_owner"):
        postgres.sql(f"DROP {thing}")


@sabotage("the service may still log in to the old server", patched((Move, "refusal", "LOGIN")))
async def test_no_acknowledged_write_is_left_behind(old: PostgresPod, new: PostgresProcess) -> None:
    """Of a pod that writes during the move the new server has all that was acknowledged, and goes on from there."""
    writer = Writer(login(old, "app"))
    move = Move(old, new)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(writer.run)
        await writer.has_begun.wait()
        shown = await anyio.to_thread.run_sync(move.paste)
        writer.is_to_end = True
    assert "equal" in shown.splitlines()
    connection = await asyncpg.connect(new.url("users", "users_app"))
    ids = {row["id"] for row in await connection.fetch("SELECT id FROM users")}
    assert ids == {*range(1, SEEDED + 1), *writer.acknowledged}
    assert await connection.fetchval(INSERT, "next@example.com") > max(ids)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.execute("DELETE FROM alembic_version")
    await connection.close()
    assert new.sql("SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'", "users") == "users_owner"


async def test_the_autoscaler_starts_no_pod_meanwhile(old: PostgresPod, new: PostgresProcess) -> None:
    """Pods are stopped by what each engine leaves alone, and started by hand when KEDA is let go."""
    move = Move(old, new)
    await anyio.to_thread.run_sync(move.paste)
    kept_away = "annotate scaledobject users-api autoscaling.keda.sh/paused-replicas"
    commands = [" ".join(call.split()[:4]) for call in move.calls]
    assert move.calls[:2] == ["scale deployment users-api --replicas=0", f"{kept_away}=0"]
    assert commands[2] == "wait --for=delete pod --timeout=5m"
    assert commands[3] == "helm upgrade users-api chart"
    assert move.calls[4:6] == [f"{kept_away}-", "scale deployment users-api --replicas=2"]


async def test_a_move_that_is_called_off_lets_the_service_in_again(old: PostgresPod, new: PostgresProcess) -> None:
    """The primary's next start does."""
    await anyio.to_thread.run_sync(Move(old, new).paste)
    assert "not permitted to log in" in old.as_role("users_app", "SELECT 1")
    old.stop()
    old.start()
    assert old.as_role("users_app", "SELECT count(*) FROM users") == str(SEEDED)
