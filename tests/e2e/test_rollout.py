from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.load import constant_rate
from tests.e2e.release import Release
from tests.e2e.test_autoscaling import ONLY_REQUEST_RATE, TARGET_PER_REPLICA

pytestmark = pytest.mark.e2e

REPLICAS = 4
# The request rate has a hole while all pods are new: Prometheus needs two scrapes of each. The chart's windows, unlike
# the one of seconds in these tests, are longer than that.
PATIENT: dict[str, Any] = {
    **ONLY_REQUEST_RATE,
    "autoscaling": {
        **ONLY_REQUEST_RATE["autoscaling"],
        "behavior": {"scaleDown": {"stabilizationWindowSeconds": 30}},
    },
}


@pytest.fixture
def at_four(installed: Release) -> Release:
    """Take the configuration in which the request rate alone decides."""
    installed.configure(PATIENT)
    return installed


def test_nothing_fails_while_an_upgrade_at_four_replicas_stays_at_four(at_four: Release, tmp_path: Path) -> None:
    """With the autoscaler at 4, `helm upgrade` of all pods leaves 4, on more nodes than one, and no request fails."""
    with constant_rate(tmp_path, int(TARGET_PER_REPLICA * (REPLICAS - 0.4))) as load:
        at_four.wait_for_replicas(REPLICAS, seconds=120)
        before = at_four.pods()
        wanted: set[int] = set()
        with ThreadPoolExecutor(1) as thread:
            upgrade = thread.submit(at_four.configure, {**PATIENT, "config": {"logLevel": "WARNING"}})
            while not upgrade.done():
                wanted.add(at_four.wanted())
                wait([upgrade], timeout=0.5)
        upgrade.result()
        at_four.wait_until_gone(before)
        wanted.add(at_four.wanted())
        load.stop()
    assert wanted == {REPLICAS}
    answers = load.answers()
    assert len(answers) > 0
    assert answers.reasons() == {}
    assert len({pod.node for pod in at_four.api_pods() if not pod.stopping}) > 1, "all new pods are on one node"


def test_nothing_fails_while_all_pods_restart(release: Release, tmp_path: Path) -> None:
    """`kubectl rollout restart` under load replaces each pod, and no request fails."""
    with constant_rate(tmp_path, 50) as load:
        release.restart()
        load.stop()
    answers = load.answers()
    assert len(answers) > 0
    assert answers.reasons() == {}
