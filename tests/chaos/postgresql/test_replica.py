import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from k8s.client.prometheus import Prometheus
from k8s.client.waiting import seconds_until
from loadtests.chaos.verdict import Bound
from tests.chaos.experiment import Experiment, Extent, Run, Start
from tests.chaos.postgresql.values import SEEDED_USERS, VALUES
from tests.chaos.postgresql.without_redis import redis_as_said, with_redis_and_without
from tests.chaos.traffic import RATE
from tests.e2e.in_cluster import get_json_from_pod
from tests.e2e.postgres_server import primary, replica
from tests.e2e.release import Release

pytestmark = pytest.mark.chaos

REQUESTS = Extent(12_000, short=1_500)
BEFORE_SECONDS = Extent(10, short=3)
AGAIN_SECONDS = 10
COPIED_SECONDS = 60

KILLED = Experiment(
    number=16,
    name="replica-killed",
    promise="0 failed of 12,000 reads past the caches when the replica is killed at 200 requests/s, "
    "and it is read again within 10 s",
    sabotage="nothing to fall back on: the primary is gone too",
    values=VALUES,
    breaks="failed",
)


@with_redis_and_without(KILLED)
def test_replica_killed(start: Start, experiment: Experiment, prometheus: Prometheus) -> None:
    """A replica dies, and then its pod with its copy: the primary is read meanwhile, and nobody notices."""
    run = start(experiment)
    server = replica(run.release)
    assert math.isfinite(seconds_until(lambda: _is_read(run.release), COPIED_SECONDS)) or run.sabotaged
    before = _reads_by_replica(prometheus, run.release)
    with redis_as_said(run), _primary_as_said(run), run.load(run.of(RATE), users=SEEDED_USERS):
        started = time.monotonic()
        time.sleep(run.of(BEFORE_SECONDS))
        again = _kill(run, server.kill, AGAIN_SECONDS)
        copied = _kill(run, server.kill_pod, COPIED_SECONDS)
        time.sleep(max(2.0, run.of(REQUESTS) * 1.01 / run.of(RATE) - (time.monotonic() - started)))
    run.conclude(
        *run.failed_within(0),
        Bound("requests", len(run.answers), at_least=run.of(REQUESTS)),
        Bound("reads by the replica", _reads_by_replica(prometheus, run.release) - before, at_least=1),
        Bound("read again within, s", again, at_most=AGAIN_SECONDS),
        Bound("read again after a new copy within, s", copied, at_most=COPIED_SECONDS),
    )


@contextmanager
def _primary_as_said(run: Run) -> Iterator[None]:
    """Take the primary away for as long as the block lasts, where that is what breaks the experiment."""
    scale = ("scale", f"statefulset/{run.release.name}-postgresql")
    if run.sabotaged:
        run.release.kubectl(*scale, "--replicas=0")
        run.release.kubectl("wait", "--for=delete", f"pod/{primary(run.release).pod}", "--timeout=60s")
    try:
        yield
    finally:
        if run.sabotaged:
            run.release.kubectl(*scale, "--replicas=1")


def _kill(run: Run, kill: Callable[[], object], seconds: float) -> float:
    """Kill it; gives the seconds until every pod reads it again, NaN where they do not in time."""
    run.mark("killed")
    kill()
    left = seconds_until(lambda: not _is_read(run.release), seconds)
    again = seconds_until(lambda: _is_read(run.release), seconds)
    run.mark("read again")
    time.sleep(run.of(BEFORE_SECONDS))
    return left + again


def _is_read(release: Release) -> bool:
    """Whether every pod that serves may read the replica, and knows how old that is."""
    return all(_staleness_seconds(release, pod.name) is not None for pod in release.serving_pods())


def _staleness_seconds(release: Release, pod: str) -> float | None:
    """How far a pod takes the replica to be behind; None: it does not read it."""
    place = f"{release.namespace}/{pod}:8000"
    told = get_json_from_pod(release.core.api_client, place, "/readyz", verbose="")
    (checks,) = told["checks"]["database"]["replicas"].values() if told else ({},)
    staleness: float | None = checks.get("staleness_seconds") if checks.get("available") else None
    return staleness


def _reads_by_replica(prometheus: Prometheus, release: Release) -> float:
    selected = f'{{{release.series},target!="primary",age="bounded"}}'
    return prometheus.value(f"sum(users_api_database_reads_total{selected})") or 0
