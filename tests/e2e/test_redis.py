import base64
from collections.abc import Iterator
from typing import Any

import pytest
from kubernetes import client

from k8s.client.waiting import wait_until
from tests.e2e.own_release import SMALL, OwnRelease, own_release

pytestmark = pytest.mark.e2e

VALUES: dict[str, Any] = {
    **SMALL,
    "networkPolicy": {"enabled": False},
    "redis": {**SMALL["redis"], "persistence": {"enabled": True, "size": "64Mi"}},
}


@pytest.fixture(scope="module")
def release(api: client.ApiClient) -> Iterator[OwnRelease]:
    """A release whose Redis keeps its data on a volume, and lets other releases in."""
    with own_release(api, "keeping-redis", VALUES) as release:
        yield release


@pytest.fixture
def other(api: client.ApiClient) -> Iterator[OwnRelease]:
    """A namespace for a release without a Redis of its own."""
    other = OwnRelease(api, "without-redis")
    yield other
    other.remove()


def password(release: OwnRelease) -> str:
    """The password in the release's Secret."""
    secret = release.core.read_namespaced_secret(f"{release.name}-redis-generated", release.namespace)
    return base64.b64decode(secret.data["password"]).decode()


def redis(release: OwnRelease, *command: str) -> str:
    """Run a command as the service's user, in Redis's pod."""
    cli = ("redis-cli", "--no-auth-warning", "--user", "users-api", *command)
    return release.kubectl("exec", f"{release.name}-redis-0", "--container=redis", "--", *cli).strip()


def has_redis(release: OwnRelease) -> bool:
    """Whether the service reaches its Redis."""
    found: bool = release.get("/readyz?verbose")["checks"]["redis"]["available"]
    return found


def test_an_upgrade_keeps_the_password(release: OwnRelease) -> None:
    """A generated password survives upgrades, so that a running Redis and its clients stay together."""
    before = password(release)
    release.upgrade({**VALUES, "config": {**VALUES["config"], "logLevel": "WARNING"}}, "--wait", "--timeout", "2m")
    assert len(before) == 32
    assert password(release) == before
    wait_until(lambda: has_redis(release), bool, 30, "Redis within reach")


def test_data_outlives_the_pod(release: OwnRelease) -> None:
    """With persistence a key is there again after Redis's pod was deleted."""
    assert redis(release, "SET", "kept", "yes") == "OK"
    release.kubectl("delete", "pod", f"{release.name}-redis-0", "--wait=true")
    release.wait_for_rollout()
    assert redis(release, "GET", "kept") == "yes"
    wait_until(lambda: has_redis(release), bool, 30, "Redis within reach")


def test_a_password_is_changed_by_its_secret(release: OwnRelease) -> None:
    """After a new password in the Secret and a restart of both, Redis takes the new one and upgrades keep it."""
    new = base64.b64encode(b"another password").decode()
    release.kubectl("patch", "secret", f"{release.name}-redis-generated", "--patch", f"data: {{password: {new}}}")
    release.kubectl("rollout", "restart", f"statefulset/{release.name}-redis", f"deployment/{release.name}")
    release.wait_for_rollout()
    wait_until(lambda: has_redis(release), bool, 30, "Redis within reach")
    assert redis(release, "GET", "kept") == "yes"
    release.upgrade(VALUES)
    assert password(release) == "another password"


def test_persistence_may_be_changed_by_any_upgrade(release: OwnRelease) -> None:
    """Another size, none and persistence again are upgrades like others; one volume at most is left after each."""
    choices: list[dict[str, Any]] = [
        {"enabled": True, "size": "96Mi"},
        {"enabled": False},
        VALUES["redis"]["persistence"],
    ]
    for persistence in choices:
        values = {**VALUES, "redis": {**VALUES["redis"], "persistence": persistence}}
        release.upgrade(values, "--wait", "--timeout", "2m")
        release.wait_for_rollout()
        wait_until(lambda: has_redis(release), bool, 60, "Redis within reach")
        wait_for_claims(release, int(persistence["enabled"]))


def wait_for_claims(release: OwnRelease, count: int) -> None:
    """Wait until so many volume claims are left."""
    wait_until(lambda: claims(release), lambda names: len(names) == count, 60, f"{count} volume claims")


def claims(release: OwnRelease) -> list[str]:
    """The volume claims of the namespace."""
    return release.kubectl("get", "persistentvolumeclaims", "--output=name").split()


def test_a_release_uses_a_redis_that_is_not_its_own(release: OwnRelease, other: OwnRelease) -> None:
    """With `redis.external` a release runs none, and reaches the one named with the login of its Secret."""
    login = f"--from-literal=password={password(release)}"
    other.kubectl("create", "secret", "generic", "managed", "--from-literal=username=users-api", login)
    external = {
        "host": f"{release.name}-redis.{release.namespace}.svc",
        "database": 0,
        "tls": False,
        "existingSecret": "managed",
    }
    values = {**SMALL, "networkPolicy": {"enabled": False}, "redis": {"enabled": False, "external": external}}
    other.upgrade(values, "--wait", "--timeout", "2m")
    assert other.kubectl("get", "statefulset", "--output=name") == ""
    wait_until(lambda: has_redis(other), bool, 30, "Redis within reach")
