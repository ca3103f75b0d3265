"""A PostgreSQL that is not the release's own: outside its namespace, by TLS, with the roles of docs/postgresql.md."""

import json
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

import httpx
import pytest
from kubernetes import client

from k8s.client.waiting import wait_until
from k8s.simulation.certificates import Certificate, issue
from loadtests.simulate.settings import values
from tests.documented_roles import statements
from tests.e2e.helm import CONTEXT, run
from tests.e2e.load import BASE_URL, HEADERS
from tests.e2e.own_release import SMALL, OwnRelease
from tests.e2e.users import create_user

pytestmark = pytest.mark.e2e

HOST = "external.example.com"
SEEDED = 100
PASSWORD = "elsewhere"
# Where `issue` says that a Service is.
NAMESPACE, NAME = "default", "users-database"
# With no login but over TLS, as managed servers have it.
START = """
initdb --pgdata=/tmp/data --username=postgres --auth-local=trust --auth-host=reject >/dev/null
echo "hostssl all all all scram-sha-256" >/tmp/data/pg_hba.conf
echo "local all all trust" >>/tmp/data/pg_hba.conf
exec postgres -D /tmp/data -c 'listen_addresses=*' -c unix_socket_directories=/tmp -c fsync=off \\
  -c ssl=on -c ssl_cert_file=/tls/tls.crt -c ssl_key_file=/tls/tls.key
"""
ROLES = {role: {"existingSecret": f"users-{role}"} for role in ("owner", "app")}
VALUES: dict[str, Any] = {
    **SMALL,
    "ingress": {"enabled": True},
    "routing": {"hosts": [HOST]},
    "postgresql": {
        "mode": "external",
        "external": {"hosts": [f"{NAME}.{NAMESPACE}.svc"], "ca": {"configMapName": "database-ca"}},
        "maxConnections": 100,
        "roles": ROLES,
        "migrations": {"seedUsers": SEEDED},
    },
    "tests": {"timeoutSeconds": 30},
}


class Elsewhere:
    """A server of somebody else's."""

    def sql(self, statement: str, *, role: str = "postgres", database: str = "postgres") -> str:
        """Carry out a statement; the rows, their columns divided by `|`."""
        login = ("--host=/tmp", f"--username={role}", f"--dbname={database}", "--no-align", "--tuples-only")
        return kubectl("exec", NAME, "--", "psql", *login, "--set=ON_ERROR_STOP=1", "--command", statement).strip()

    def answers(self) -> bool:
        """Whether it takes logins by now."""
        try:
            return bool(self.sql("SELECT 1"))
        except AssertionError:
            return False


def kubectl(*arguments: str, stdin: str | None = None) -> str:
    """Run kubectl where the server is."""
    return run("kubectl", "--context", CONTEXT, "--namespace", NAMESPACE, *arguments, stdin=stdin)


def _manifests(certificate: Certificate) -> dict[str, Any]:
    metadata = {"name": NAME, "labels": {"app": NAME}}
    files = {"tls.crt": certificate.certificate, "tls.key": certificate.key}
    keys = {name: path.read_text(encoding="utf-8") for name, path in files.items()}
    service = {"selector": {"app": NAME}, "ports": [{"port": 5432}]}
    image = values("values-kind.yaml")["postgresql"]["bundled"]["image"]
    mounts = [{"name": name, "mountPath": f"/{name}"} for name in ("tls", "tmp")]
    pod = {
        "securityContext": {"runAsUser": 999, "runAsGroup": 999, "fsGroup": 999},
        "terminationGracePeriodSeconds": 1,
        "containers": [
            {
                "name": NAME,
                "image": f"{image['repository']}:{image['tag']}",
                "command": ["sh", "-ec", START],
                "volumeMounts": mounts,
            }
        ],
        "volumes": [
            {"name": "tls", "secret": {"secretName": NAME, "defaultMode": 0o640}},
            {"name": "tmp", "emptyDir": {}},
        ],
    }
    items = [
        {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": keys},
        {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": service},
        {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": pod},
    ]
    return {"apiVersion": "v1", "kind": "List", "items": items}


def remove() -> None:
    """Take the server away, also one that an earlier run left."""
    kubectl("delete", "pod,service,secret", "--selector", f"app={NAME}", "--ignore-not-found", "--wait")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    """Make the server's certificate, which is its own authority."""
    return issue(tmp_path_factory.mktemp("elsewhere"), NAME)


@pytest.fixture(scope="module")
def elsewhere(certificate: Certificate) -> Iterator[Elsewhere]:
    """Have the server, with the roles, rights and limits of the documents."""
    roles, defaults, limits, _ = statements()
    server = Elsewhere()
    remove()
    try:
        kubectl("apply", "--filename", "-", stdin=json.dumps(_manifests(certificate)))
        wait_until(server.answers, bool, 120, "the server elsewhere")
        for statement in (*roles, *limits):
            server.sql(statement.replace("'...'", f"'{PASSWORD}'"))
        for statement in defaults:
            server.sql(statement, role="users_owner", database="users")
        yield server
    finally:
        remove()


@pytest.fixture(scope="module")
def release(api: client.ApiClient, elsewhere: Elsewhere, certificate: Certificate) -> Iterator[OwnRelease]:
    """Install the service on it, as the documents say."""
    release = OwnRelease(api, "external")
    try:
        for role in ROLES:
            login = (f"--from-literal=username=users_{role}", f"--from-literal=password={PASSWORD}")
            release.kubectl("create", "secret", "generic", f"users-{role}", *login)
        release.kubectl("create", "configmap", "database-ca", f"--from-file=ca.crt={certificate.certificate}")
        release.upgrade(VALUES, "--wait", "--timeout", "3m")
        (taken_back,) = statements()[3]
        elsewhere.sql(taken_back, role="users_owner", database="users")
        yield release
    finally:
        release.remove()


def test_a_release_keeps_its_users_in_a_server_of_somebody_else_s(release: OwnRelease, elsewhere: Elsewhere) -> None:
    """The hook migrates and seeds as the owner; the pods read and write as the other role, and run no server."""
    with httpx.Client(base_url=BASE_URL, headers={**HEADERS, "host": HOST}, timeout=10) as http:
        wait_until(
            lambda: http.get(f"/api/users/{SEEDED}").status_code, lambda code: code == HTTPStatus.OK, 60, "users"
        )
        user = create_user(http)
    asked = f"SELECT name FROM users WHERE id = {user['id']}"  # noqa: S608 - an int
    assert elsewhere.sql(asked, database="users") == user["name"]
    assert "postgresql" not in release.kubectl("get", "statefulset", "--output=name")
    release.helm("test", release.name, "--filter", f"name={release.name}-test-postgresql", "--timeout", "2m")


def test_every_connection_is_encrypted_and_of_the_service_s_role(release: OwnRelease, elsewhere: Elsewhere) -> None:
    """The server lets nobody in without TLS, and nobody of the release is there as the owner."""
    pods = json.loads(release.kubectl("get", "pods", "--output=json"))["items"]
    assert pods
    seen = "SELECT DISTINCT usename, ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE datname = 'users'"
    assert elsewhere.sql(f"{seen} AND client_addr IS NOT NULL") == "users_app|t"


def test_another_authority_s_server_is_not_trusted(release: OwnRelease, tmp_path: Path) -> None:
    """With the CA of another server a new pod finds no database, says why, and takes no request from the old one."""
    other = issue(tmp_path, NAME)
    release.kubectl("create", "configmap", "other-ca", f"--from-file=ca.crt={other.certificate}")
    external = {**VALUES["postgresql"]["external"], "ca": {"configMapName": "other-ca"}}
    # Without the hook, which would try for as long as it may.
    refused = {**VALUES["postgresql"], "external": external, "migrations": {"enabled": False}}
    release.upgrade({**VALUES, "postgresql": refused})
    logs = ("logs", "--selector=app.kubernetes.io/component=api", "--tail=-1")
    wait_until(lambda: release.kubectl(*logs), lambda seen: "CERTIFICATE_VERIFY_FAILED" in seen, 90, "a refusal")
    assert [pod.ready for pod in release.api_pods()].count(True) == 1
    with httpx.Client(base_url=BASE_URL, headers={**HEADERS, "host": HOST}, timeout=10) as http:
        assert http.get(f"/api/users/{SEEDED}").status_code == HTTPStatus.OK
