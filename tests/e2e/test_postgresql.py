import json
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

import httpx
import pytest
from kubernetes import client

from k8s.client.waiting import wait_until
from tests.e2e.load import BASE_URL, HEADERS
from tests.e2e.own_release import SMALL, OwnRelease, own_release
from tests.e2e.postgres_server import Server, primary, replica
from tests.e2e.users import create_user, delete_user

pytestmark = pytest.mark.e2e

HOST = "lasting.example.com"
SEEDED = 100
VALUES: dict[str, Any] = {
    **SMALL,
    "ingress": {"enabled": True},
    "routing": {"hosts": [HOST]},
    "postgresql": {
        "mode": "bundled",
        "migrations": {"seedUsers": SEEDED},
        "pooler": {"enabled": True, "replicas": 1, "preStopSleepSeconds": 1, "terminationGracePeriodSeconds": 8},
    },
    "tests": {"timeoutSeconds": 30},  # the service may have had the first look at a server that was not there yet
}


@pytest.fixture(scope="module")
def release(api: client.ApiClient) -> Iterator[OwnRelease]:
    """A release with a PostgreSQL of its own, a replica, and PgBouncer before the primary."""
    with own_release(api, "lasting", VALUES) as release:
        yield release


@pytest.fixture(scope="module")
def http(release: OwnRelease) -> Iterator[httpx.Client]:  # noqa: ARG001 - it is what answers
    """Call it through the Ingress, once its schema and first users are there."""
    with httpx.Client(base_url=BASE_URL, headers={**HEADERS, "host": HOST}, timeout=10) as http:
        wait_until(
            lambda: http.get(f"/api/users/{SEEDED}").status_code, lambda code: code == HTTPStatus.OK, 120, "users"
        )
        yield http


def holds(server: Server, user: Mapping[str, Any]) -> bool:
    """Whether a server has the user."""
    return server.sql(f"SELECT count(*) FROM users WHERE id = {user['id']}") == "1"  # noqa: S608 - an int


def run_job(release: OwnRelease, name: str, cron_job: str) -> str:
    """Run a CronJob's Job now, as the documents say; returns its log."""
    release.kubectl("create", "job", name, f"--from=cronjob/{cron_job}")
    release.kubectl("wait", f"job/{name}", "--for=condition=Complete", "--timeout=180s")
    return release.kubectl("logs", f"job/{name}")


def test_the_chart_s_test_reaches_the_database(release: OwnRelease, http: httpx.Client) -> None:
    """`helm test` finds the database there, through PgBouncer, with the users that the migration's Job has made up."""
    assert http.get(f"/api/users/{SEEDED}").json()["id"] == SEEDED
    release.helm("test", release.name, "--filter", f"name={release.name}-test-postgresql", "--timeout", "2m")


def test_an_upgrade_and_a_rollback_leave_the_users(release: OwnRelease, http: httpx.Client) -> None:
    """An upgrade migrates ahead of the rest, a rollback does not, both end, and who was there is there."""
    user = create_user(http)
    release.upgrade({**VALUES, "config": {**SMALL["config"], "logLevel": "WARNING"}}, "--wait", "--timeout", "3m")
    release.helm("rollback", release.name, "--wait", "--timeout", "3m")
    release.wait_for_rollout()
    assert holds(primary(release), user)
    assert create_user(http)["id"] > user["id"]


def test_a_backup_brings_a_user_back(release: OwnRelease, http: httpx.Client) -> None:
    """Who was deleted after a backup is there after its restore."""
    user, server = create_user(http), primary(release)
    run_job(release, "backup", f"{release.name}-postgresql-backup")
    assert holds(server, user)
    delete_user(http, user)
    assert not holds(server, user)
    run_job(release, "restore", f"{release.name}-postgresql-restore")
    assert holds(server, user)


def test_a_replica_takes_over_from_a_volume_that_is_lost(release: OwnRelease, http: httpx.Client) -> None:
    """The documented commands make a primary of the replica's copy once the volume is gone, with all users in it."""
    user, old, heir = create_user(http), primary(release), replica(release)
    wait_until(lambda: holds(heir, user), bool, 60, "the replica has the user")
    release.kubectl("delete", "persistentvolumeclaim", "users-api-postgresql-data", "--wait=false")
    old.kill_pod()
    promote = heir.execution("sh", "/etc/postgresql/promote.sh")
    wait_until(lambda: _succeeds(release, *promote), bool, 120, "the replica is promoted")
    release.upgrade(VALUES)
    new = primary(release)
    wait_until(lambda: _succeeds(release, "get", "pod", new.pod), bool, 120, "a new primary")
    release.wait_for_rollout()
    assert holds(new, user)
    create_user(http)
    following = "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'"
    wait_until(lambda: new.sql(following), lambda count: count == "1", 180, "the replica follows the new primary")


def test_uninstall_leaves_the_data_and_what_opens_it(release: OwnRelease) -> None:
    """After `helm uninstall` claims and passwords are there, nothing else, and the documented command takes them."""
    release.helm("uninstall", release.name, "--wait", "--timeout", "2m")

    def others() -> set[str]:
        return {name for name in release.objects() if not name.startswith(("persistentvolumeclaim/", "secret/"))}

    wait_until(others, lambda left: not left, 90, "nothing but claims and secrets")
    claims = json.loads(release.kubectl("get", "persistentvolumeclaims", "--output=json"))["items"]
    assert {claim["metadata"]["name"] for claim in claims} == {
        "users-api-postgresql-data",
        "users-api-postgresql-backups",
    }
    release.kubectl("delete", "pvc,secret", "--selector", f"app.kubernetes.io/instance={release.name}")
    wait_until(release.objects, lambda left: not left, 60, "an empty namespace")


def _succeeds(release: OwnRelease, *command: str) -> bool:
    try:
        release.kubectl(*command)
    except AssertionError:
        return False
    return True
