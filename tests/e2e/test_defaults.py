from collections.abc import Iterator

import pytest
from kubernetes import client

from k8s.client.waiting import wait_until
from tests.e2e.in_cluster import redis_in_use
from tests.e2e.own_release import OwnRelease

pytestmark = pytest.mark.e2e

# A registry is no default, so an installation names its images and nothing else.
IMAGES = {
    "image": {"repository": "localhost/users-api", "tag": "dev"},
    "redis": {"flavor": "redis", "image": {"repository": "localhost/redis", "tag": "local"}},
    "postgresql": {
        "bundled": {
            "image": {"repository": "localhost/postgresql", "tag": "local"},
            "exporter": {"image": {"repository": "localhost/postgres-exporter", "tag": "local"}},
        }
    },
}


@pytest.fixture(scope="module")
def release(api: client.ApiClient) -> Iterator[OwnRelease]:
    """An empty namespace."""
    release = OwnRelease(api, "defaults")
    yield release
    release.remove()


def test_the_defaults_come_up_and_say_what_is_missing(release: OwnRelease) -> None:
    """`helm install` with no value but images comes up, and NOTES say what is missing."""
    notes = release.helm("install", release.name, "chart", "--values", "-", "--wait", "--timeout", "3m", values=IMAGES)
    assert release.ready() >= 1
    assert "MISSING for scaling on the request rate" in notes
    assert "MISSING: an issuer of tokens" in notes
    release.wait_for_replicas(2, seconds=60)
    assert release.get("/readyz?verbose")["checks"]["redis"]["available"]
    assert release.autoscaler().minimum == 2
    wait_until(lambda: release.get("/readyz?verbose")["checks"]["database"]["available"], bool, 120, "the database")


def test_the_chart_s_tests_pass_and_fail_with_the_service(release: OwnRelease) -> None:
    """`helm test` of Redis succeeds on the release, fails once Redis is gone, and succeeds when it is back."""
    of_redis = ("test", release.name, "--filter", f"name={release.name}-test-redis", "--timeout", "2m")
    release.helm(*of_redis)
    release.kubectl("scale", f"statefulset/{release.name}-redis", "--replicas=0")
    release.kubectl("wait", "pod", "--selector=app.kubernetes.io/component=redis", "--for=delete", "--timeout=60s")
    # A replica knows within two seconds, by its next probe.
    wait_until(lambda: redis_in_use(release), lambda seen: not any(seen), 10, "no replica uses Redis")
    done = release.try_helm(*of_redis)
    assert done.returncode != 0
    assert f"{release.name}-test-redis" in done.stdout + done.stderr
    release.kubectl("scale", f"statefulset/{release.name}-redis", "--replicas=1")
    release.wait_for_rollout()
    wait_until(lambda: redis_in_use(release), all, 20, "every replica uses Redis")
    release.helm(*of_redis)
