import threading
from pathlib import Path

import pytest

from tests.e2e.load import constant_rate
from tests.e2e.release import NAME, Release, kubectl, wait_until
from tests.e2e.test_autoscaling import ONLY_REQUEST_RATE, TARGET_PER_REPLICA

pytestmark = pytest.mark.e2e

REPLICAS = 4


@pytest.fixture
def at_four(installed: Release) -> Release:
    """Take the configuration in which the request rate alone decides."""
    installed.configure(ONLY_REQUEST_RATE)
    return installed


def test_nothing_fails_while_an_upgrade_at_four_replicas_stays_at_four(at_four: Release, tmp_path: Path) -> None:
    """With the autoscaler at 4, `helm upgrade` of all pods leaves 4, and no request under way fails."""
    with constant_rate(tmp_path, int(TARGET_PER_REPLICA * (REPLICAS - 0.4))) as load:
        at_four.wait_for_replicas(REPLICAS, seconds=120)
        before = at_four.pods()
        wanted: set[int] = set()
        upgrade = threading.Thread(
            target=at_four.configure, args=[{**ONLY_REQUEST_RATE, "config": {"logLevel": "warning"}}]
        )
        upgrade.start()
        while upgrade.is_alive():
            wanted.add(at_four.wanted())
            upgrade.join(timeout=0.5)
        wait_until(at_four.pods, before.isdisjoint, 60, "only pods of the new template")
        wanted.add(at_four.wanted())
        load.stop()
    assert wanted == {REPLICAS}
    made, failed = load.counts()
    assert made > 0
    assert failed == 0


def test_nothing_fails_while_all_pods_restart(release: Release, tmp_path: Path) -> None:
    """`kubectl rollout restart` under load replaces each pod, and no request fails."""
    before = release.pods()
    with constant_rate(tmp_path, 50) as load:
        kubectl("rollout", "restart", f"deployment/{NAME}")
        release.wait_for_rollout()
        wait_until(release.pods, before.isdisjoint, 60, "only new pods")
        load.stop()
    made, failed = load.counts()
    assert made > 0
    assert failed == 0
