from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import Any

import httpx
import pytest

from k8s.client.prometheus import Prometheus
from k8s.client.waiting import wait_until
from tests.e2e.load import BASE_URL, HEADERS
from tests.e2e.release import Release
from tests.e2e.users import create_user

pytestmark = pytest.mark.e2e

REPLICAS = 8
READS = 1000
READERS = 4
# Half of what each would have if all had the same.
FEWEST_BY_EACH = 2 * READS // REPLICAS // 2
SCRAPED_SECONDS = 30
KEPT = {"persistentvolumeclaim", "secret"}


@pytest.fixture(scope="module")
def eight(installed: Release, with_database: dict[str, Any]) -> Release:
    """The shared release with eight replicas."""
    installed.configure(with_database, {"autoscaling": {"minReplicas": REPLICAS, "maxReplicas": REPLICAS}})
    installed.wait_for_replicas(REPLICAS, seconds=180)
    return installed


@pytest.fixture
def user(eight: Release, http: httpx.Client) -> Iterator[dict[str, Any]]:
    """A user who was just created, and is gone afterwards."""
    assert eight.ready() == REPLICAS
    user = create_user(http)
    yield user
    http.delete(f"/api/users/{user['id']}")


def read_by_all(path: str) -> list[httpx.Response]:
    """Read a thousand times, on a new connection each: the Ingress passes them to one replica after the other."""

    def read(count: int) -> list[httpx.Response]:
        limits = httpx.Limits(max_keepalive_connections=0)
        with httpx.Client(base_url=BASE_URL, headers=HEADERS, limits=limits, timeout=10) as client:
            return [client.get(path) for _ in range(count)]

    with ThreadPoolExecutor(READERS) as pool:
        return [answer for answers in pool.map(read, [READS // READERS] * READERS) for answer in answers]


def answered(release: Release, prometheus: Prometheus) -> dict[str, float]:
    """How many requests each replica has answered."""
    counts = prometheus.query(f"sum by (pod) (http_requests_total{{{release.series}}})")
    return {count.labels["pod"]: count.value for count in counts}


def test_every_replica_has_what_one_acknowledged(
    eight: Release, user: dict[str, Any], http: httpx.Client, prometheus: Prometheus
) -> None:
    """A user who was created is in each of the next thousand reads, by any replica, and who was deleted in none."""
    path = f"/api/users/{user['id']}"
    before = answered(eight, prometheus)
    seen = [(answer.status_code, answer.json()) for answer in read_by_all(path)]
    assert [each for each in seen if each != (HTTPStatus.OK, user)] == []
    assert http.delete(path).status_code == HTTPStatus.NO_CONTENT
    assert {answer.status_code for answer in read_by_all(path)} == {HTTPStatus.NOT_FOUND}

    def by_each() -> dict[str, float]:
        now = answered(eight, prometheus)
        return {pod: now.get(pod, 0) - before.get(pod, 0) for pod in eight.pods()}

    counts = wait_until(by_each, lambda counts: sum(counts.values()) >= 2 * READS, SCRAPED_SECONDS, "all are counted")
    assert min(counts.values()) >= FEWEST_BY_EACH, counts


def test_users_outlive_all_pods(eight: Release, user: dict[str, Any], http: httpx.Client) -> None:
    """After all pods of the release were deleted at once, the database's and Redis' too, the users are there."""
    eight.kubectl("delete", "pods", "--all", "--wait=true", "--timeout=150s")
    eight.wait_for_all_rollouts()

    def read() -> tuple[int, Any]:
        answer = http.get(f"/api/users/{user['id']}")
        return answer.status_code, answer.json()

    wait_until(read, lambda seen: seen == (HTTPStatus.OK, user), 60, "the user is read")


def test_uninstall_leaves_the_users_and_nothing_else(eight: Release) -> None:
    """After `helm uninstall` the users and their passwords are left; without them the namespace is as a new one."""
    assert eight.objects()
    eight.uninstall()
    wait_until(eight.objects, lambda left: {name.partition("/")[0] for name in left} == KEPT, 90, "claims and secrets")
    eight.kubectl("delete", "pvc,secret", "--selector", f"app.kubernetes.io/instance={eight.name}")
    wait_until(eight.objects, lambda left: not left, 90, "an empty namespace")
