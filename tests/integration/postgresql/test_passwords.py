"""Passwords of a Secret, which may be any: with what a URL, a file of passwords or a shell takes for more than text."""

import os
import subprocess
from pathlib import Path
from urllib.parse import quote

import asyncpg
import pytest

from service.database import DatabaseConfig
from service.migrate import migrate
from service.seed import seed
from tests.integration.postgresql.conftest import Pods
from tests.postgres_pod import SCRIPTS

pytestmark = [pytest.mark.anyio, pytest.mark.integration]

ODD = """ a b='c' "d" \\e %20:@/?#&+,;$(f) `g` é*\\"""
PASSWORDS = [ODD, "a line\n"]  # a Secret that was made of a file has a line's end
each_password = pytest.mark.parametrize("password", PASSWORDS, ids=["signs", "line"])


def logins(address: str, user: str, password: str) -> list[DatabaseConfig]:
    """The ways in which the chart's values let a role log in: name and password, or a whole URL."""
    url = f"postgresql://{user}:{quote(password, safe='')}@{address}"
    return [DatabaseConfig(f"postgresql://{address}", username=user, password=password), DatabaseConfig(url)]


@each_password
async def test_any_password_lets_its_role_in(pods: Pods, password: str) -> None:
    """Every role logs in by it, and in every way: owner, service, exporter and replicas."""
    for pod in (pods.primary, *pods.replicas):
        pod.environment |= {f"{role}_PASSWORD": password for role in ("OWNER", "APP", "MONITOR", "REPLICATION")}
    pods.start()
    address = f"127.0.0.1:{pods.primary.port}/users"
    for login in logins(address, "users_owner", password):
        await migrate(login)
        await seed(login, 3)
    for login in logins(address, "users_app", password):
        connection = await asyncpg.connect(**login.login)
        assert await connection.fetchval("SELECT count(*) FROM users") == 3
        await connection.close()
    assert pods.primary.as_role("users_monitor", "SELECT 1") == "1"
    pods.wait_for_replicas(2)
    assert all(password.strip() not in pod.log for pod in (pods.primary, *pods.replicas))


@each_password
def test_pgbouncer_reads_the_password_as_it_is(tmp_path: Path, password: str) -> None:
    """What stands between its quotes, with each doubled one as one, is the password and nothing else."""
    users, stats = tmp_path / "userlist.txt", tmp_path / "stats-users.ini"
    subprocess.run(
        ["sh", SCRIPTS.parent / "pgbouncer" / "write-users.sh", users, stats],
        env={**os.environ, "POSTGRESQL_USERNAME": "users_app", "POSTGRESQL_PASSWORD": password},
        check=True,
    )
    doubled = password.replace('"', '""')
    assert users.read_text(encoding="utf-8") == f'"users_app" "{doubled}" \n'
    assert users.stat().st_mode & 0o077 == 0
    assert stats.read_text(encoding="utf-8") == "stats_users = users_app\n"
