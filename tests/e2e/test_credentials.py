import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client

from k8s.client.waiting import wait_until
from tests.e2e.helm import VALUES_FILES
from tests.e2e.in_cluster import redis_in_use
from tests.e2e.load import constant_rate
from tests.e2e.own_release import SMALL, OwnRelease, own_release
from tests.e2e.release import Release

pytestmark = pytest.mark.e2e

RATE = 20
Values = dict[str, Any]
USER: Values = {"username": "somebody"}
# Each changes that of the one before it.
LOGINS: dict[str, Values] = {
    "user": USER,
    "password": {**USER, "password": "one of the values"},
    "both": {"username": "other", "password": "another"},
}


@pytest.fixture(scope="module")
def own(api: client.ApiClient) -> Iterator[OwnRelease]:
    """A small release in a namespace of its own."""
    with own_release(api, "with-credentials", SMALL) as release:
        yield release


def password(release: OwnRelease) -> str:
    """What the release's Job has made."""
    secret = release.core.read_namespaced_secret(f"{release.name}-redis-generated", release.namespace)
    return base64.b64decode(secret.data["password"]).decode()


def test_the_password_is_made_once(own: OwnRelease) -> None:
    """An upgrade keeps the password, and neither Job nor rights are left behind by it."""
    before = password(own)
    assert len(before) == 32
    own.upgrade({**SMALL, "config": {**SMALL["config"], "logLevel": "WARNING"}})
    assert password(own) == before
    left = {name for name in own.objects() if "credentials" in name}
    assert not left


def test_manifests_applied_without_helm_make_one_that_works(api: client.ApiClient) -> None:
    """`helm template | kubectl apply`, as GitOps tools do it: applied twice, the service reaches its Redis."""
    release = OwnRelease(api, "applied")
    try:
        for _ in range(2):
            manifests = release.helm("template", release.name, "chart", "--skip-tests", *VALUES_FILES, values=SMALL)
            release.kubectl("apply", "--filename", "-", stdin=manifests)
            release.wait_for_rollout()
            made = password(release)
        wait_until(
            lambda: release.get("/readyz?verbose"), lambda seen: seen["checks"]["redis"]["available"], 60, "Redis"
        )
        assert password(release) == made
    finally:
        release.remove()


def test_uninstall_takes_the_secret_along(own: OwnRelease) -> None:
    """The Secret, which Helm never saw, goes with its owner."""
    own.helm("uninstall", own.name, "--wait", "--timeout", "2m")
    wait_until(own.objects, lambda left: not left, 60, "an empty namespace")


@pytest.fixture(scope="module")
def shared(installed: Release) -> Release:
    """Take the shared release with its own login."""
    installed.configure()
    return installed


@pytest.mark.parametrize("login", LOGINS.values(), ids=LOGINS)
def test_another_login_fails_no_request(shared: Release, tmp_path: Path, login: Values) -> None:
    """While a release under load gets another user, password or both each request is answered; then Redis is there."""
    with constant_rate(tmp_path, RATE) as load:
        wait_until(lambda: redis_in_use(shared), all, 60, "Redis within every replica's reach")
        shared.configure({"redis": {"auth": login}})
        wait_until(lambda: redis_in_use(shared), all, 90, "Redis within every replica's reach")
        load.stop()
    answers = load.answers()
    assert len(answers) > 0
    assert answers.reasons() == {}
