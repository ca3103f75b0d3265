import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from kubernetes import client

from k8s.client.waiting import wait_until
from tests.e2e.helm import CONTEXT, run
from tests.e2e.own_release import SMALL, OwnRelease, own_release

pytestmark = pytest.mark.e2e

PROMETHEUS: dict[str, Any] = {
    "minReplicas": 2,
    "maxReplicas": 3,
    "engine": "keda",
    # Above what probes and tests cause: the count stays, so that no pod is new while the doctor looks.
    "requestRate": {"targetPerReplica": 1000},
    "cpu": {"targetUtilizationPercent": 1000},
}
VALUES: dict[str, Any] = {**SMALL, "autoscaling": PROMETHEUS}


def doctor(release: OwnRelease) -> subprocess.CompletedProcess[str]:
    """Run the doctor as `make doctor` does."""
    options = ("--context", CONTEXT, "--namespace", release.namespace, "--release", release.name)
    return subprocess.run([sys.executable, "-m", "k8s.doctor", *options], capture_output=True, text=True, check=False)


def verdict(release: OwnRelease) -> tuple[int, str]:
    """The exit status, and the line that names the first broken link or says that there is none."""
    done = doctor(release)
    (line,) = [line for line in done.stdout.splitlines() if line.startswith(("first broken link: ", "every link"))]
    return done.returncode, line


def wait_for_verdict(release: OwnRelease, beginning: str, seconds: float = 60) -> str:
    """Wait until the doctor says this, with the exit status for it."""
    status = 0 if beginning.startswith("every") else 1
    what = f"a verdict that begins with {beginning!r}"
    return wait_until(lambda: verdict(release), lambda v: v[0] == status and v[1].startswith(beginning), seconds, what)[
        1
    ]


@pytest.fixture(scope="module")
def release(api: client.ApiClient) -> Iterator[OwnRelease]:
    """A release that KEDA scales, each of whose links holds."""
    with own_release(api, "doctor", VALUES) as release:
        wait_for_verdict(release, "every link holds", seconds=120)
        yield release


@contextmanager
def scaled_to_nothing(deployment: str, namespace: str) -> Iterator[None]:
    """Have no pod of an add-on during the block."""
    kubectl = ("kubectl", "--context", CONTEXT, "--namespace", namespace)
    run(*kubectl, "scale", f"deployment/{deployment}", "--replicas=0")
    try:
        yield
    finally:
        run(*kubectl, "scale", f"deployment/{deployment}", "--replicas=1")
        run(*kubectl, "rollout", "status", f"deployment/{deployment}", "--timeout=120s")


def test_a_prometheus_that_is_away_is_named(release: OwnRelease) -> None:
    """Without a pod of Prometheus, Prometheus is the first broken link, not KEDA or the HPA behind it."""
    with scaled_to_nothing("prometheus", "monitoring"):
        assert "monitoring" in wait_for_verdict(release, "first broken link: Prometheus: ")
    wait_for_verdict(release, "every link holds", seconds=120)


def test_a_metrics_server_that_is_away_is_named(release: OwnRelease) -> None:
    """Without metrics-server, whose APIService then is not available, CPU metrics are the first broken link."""
    with scaled_to_nothing("metrics-server", "kube-system"):
        assert "v1beta1.metrics.k8s.io" in wait_for_verdict(release, "first broken link: CPU metrics: ")
    wait_for_verdict(release, "every link holds", seconds=120)


def test_pods_that_nobody_scrapes_are_named(release: OwnRelease) -> None:
    """Without their annotation the pods have no target, and the remedy names the value that adds it."""
    release.kubectl("annotate", "pods", "--selector=app.kubernetes.io/component=api", "prometheus.io/scrape-")
    try:
        wait_for_verdict(release, "first broken link: targets: ")
        assert "metrics.annotations=true" in doctor(release).stdout
    finally:
        release.kubectl("annotate", "pods", "--selector=app.kubernetes.io/component=api", "prometheus.io/scrape=true")
    wait_for_verdict(release, "every link holds")


def test_a_wrong_address_is_named(release: OwnRelease) -> None:
    """An address at which no Service is breaks the link to Prometheus, and the remedy names the value that has it."""
    wrong = {"prometheus": {"url": "http://prometheus.elsewhere.svc:9090"}}
    rate = {**PROMETHEUS["requestRate"], **wrong}
    release.upgrade({**VALUES, "autoscaling": {**PROMETHEUS, "requestRate": rate}})
    try:
        wait_for_verdict(release, "first broken link: Prometheus: http://prometheus.elsewhere.svc:9090 does not answer")
        assert "autoscaling.requestRate.prometheus.url" in doctor(release).stdout
    finally:
        release.upgrade(VALUES)
    wait_for_verdict(release, "every link holds", seconds=120)


def test_a_release_that_is_not_there_is_an_error(release: OwnRelease) -> None:
    """A release by another name is no broken link but a mistake, with a status of its own."""
    options = ("--context", CONTEXT, "--namespace", release.namespace, "--release", "nobody")
    done = subprocess.run([sys.executable, "-m", "k8s.doctor", *options], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "helm list --all-namespaces" in done.stderr
