"""What the chart renders for PostgreSQL works on a real server."""

import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chart.conftest import VALUES, Manifest, Render, find
from tests.postgres_process import PostgresProcess, started
from tests.service_process import ServiceProcess

OWNER, APP = "users_owner", "users_app"
RIGHTS = (
    f"CREATE ROLE {OWNER} LOGIN",
    f"CREATE ROLE {APP} LOGIN",
    f"CREATE DATABASE users OWNER {OWNER}",
)


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresProcess]:
    """A real PostgreSQL with the roles of docs/postgresql.md."""
    with started() as process:
        for statement in RIGHTS:
            process.sql(statement)
        yield process


@pytest.fixture
def manifests(render: Render, postgres: PostgresProcess) -> list[Manifest]:
    """What the chart renders for that server."""
    logins = {f"postgresql.roles.{role}.password": "secret" for role in ("owner", "app")}
    server = {
        "postgresql.mode": "external",
        "postgresql.maxConnections": "300",
        "postgresql.external.hosts[0]": f"127.0.0.1:{postgres.port}",
        "postgresql.external.sslMode": "disable",
    }
    return render(**server, **logins, **{"config.environment": "staging"})


def environment_of(container: Manifest, manifests: list[Manifest]) -> dict[str, str]:
    """What a container gets, as the kubelet would make it."""
    found: dict[str, str] = {}
    for source in container.get("envFrom", []):
        found |= find(manifests, "ConfigMap", source["configMapRef"]["name"])["data"]
    for variable in container["env"]:
        if "secretKeyRef" in variable.get("valueFrom", {}):
            reference = variable["valueFrom"]["secretKeyRef"]
            secrets = [m for m in manifests if m["kind"] == "Secret" and m["metadata"]["name"] == reference["name"]]
            encoded = secrets[0]["data"][reference["key"]] if secrets else ""
            found[variable["name"]] = base64.b64decode(encoded).decode()
        elif "value" in variable:
            found[variable["name"]] = variable["value"]
    return found


def test_the_owner_migrates_and_the_service_serves(
    postgres: PostgresProcess, manifests: list[Manifest], tmp_path: Path
) -> None:
    """The Job's pod migrates as the owner, the service's pod keeps a user as the app, and `helm test` tells it."""
    postgres.sql(f"ALTER DEFAULT PRIVILEGES FOR ROLE {OWNER} GRANT ALL ON TABLES TO {APP}", "users")
    (job,) = find(manifests, "Job", "users-api-postgresql-migrate")["spec"]["template"]["spec"]["containers"]
    command = [sys.executable, *job["command"][1:]]
    done = subprocess.run(command, env={**os.environ, **environment_of(job, manifests)}, check=False)
    assert done.returncode == 0
    assert postgres.sql("SELECT tableowner FROM pg_tables WHERE tablename = 'users'", "users") == OWNER

    (api,) = find(manifests, "Deployment")["spec"]["template"]["spec"]["containers"]
    variables = environment_of(api, manifests)
    settings = {name.removeprefix("USERS_API_").lower(): text for name, text in variables.items()}
    for ours in ("host", "port", "redis_url", "redis_username", "redis_password"):
        settings.pop(ours, None)
    with ServiceProcess(tmp_path / "log", **settings) as service:
        assert helm_test(manifests, service.port) == 0
        assert postgres.sql(f"SELECT count(*) > 0 FROM pg_stat_activity WHERE usename = '{APP}'") == "t"  # noqa: S608


def test_helm_test_tells_that_there_is_no_database(manifests: list[Manifest], tmp_path: Path) -> None:
    """A service that makes its users up is ready, and fails the test all the same."""
    with ServiceProcess(tmp_path / "log") as service:
        assert helm_test(manifests, service.port) != 0


def helm_test(manifests: list[Manifest], port: int) -> int:
    """Run the script of the test's pod against a port; its exit status."""
    (test,) = find(manifests, "Pod", "users-api-test-postgresql")["spec"]["containers"]
    environment = {**os.environ, "BASE_URL": f"http://127.0.0.1:{port}", "TIMEOUT_SECONDS": "0"}
    return subprocess.run([sys.executable, "-c", test["command"][2]], env=environment, check=False).returncode


def test_the_statements_for_an_empty_server_are_sql(render: Render, postgres: PostgresProcess) -> None:
    """What CloudNativePG is to carry out on the new server gives the service rows to change, and no table to drop."""
    cluster = find(render(*VALUES["otherwise"]), "Cluster", "users-api-postgresql")
    postgres.sql(f"CREATE DATABASE other OWNER {OWNER}")
    for statement in cluster["spec"]["bootstrap"]["initdb"]["postInitApplicationSQL"]:
        if not statement.startswith("CREATE ROLE"):  # which the server of these tests has
            postgres.sql(statement, "other")
    as_owner = f"SET ROLE {OWNER}; CREATE TABLE things (id bigint GENERATED ALWAYS AS IDENTITY)"
    postgres.sql(as_owner, "other")
    for right in ("INSERT", "DELETE"):
        assert postgres.sql(f"SELECT has_table_privilege('{APP}', 'things', '{right}')", "other") == "t"
    assert postgres.sql("SELECT has_schema_privilege('users_app', 'public', 'CREATE')", "other") == "f"
    limits = json.loads(postgres.sql("SELECT to_json(rolconfig) FROM pg_roles WHERE rolname = 'users_app'"))
    assert "statement_timeout=2s" in limits
