import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from kubernetes import client

from tests.e2e.diagnosis import doctor, wait_for_verdict
from tests.e2e.helm import CONTEXT
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


# Sources of metrics that are away are named in tests/chaos/test_metrics.py, where they are away.
@pytest.fixture(scope="module")
def release(api: client.ApiClient) -> Iterator[OwnRelease]:
    """A release that KEDA scales, each of whose links holds."""
    with own_release(api, "doctor", VALUES) as release:
        wait_for_verdict(release, "every link holds")
        yield release


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
    wait_for_verdict(release, "every link holds")


def test_a_release_that_is_not_there_is_an_error(release: OwnRelease) -> None:
    """A release by another name is no broken link but a mistake, with a status of its own."""
    options = ("--context", CONTEXT, "--namespace", release.namespace, "--release", "nobody")
    done = subprocess.run([sys.executable, "-m", "k8s.doctor", *options], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "helm list --all-namespaces" in done.stderr
