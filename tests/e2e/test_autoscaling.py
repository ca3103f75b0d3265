from pathlib import Path
from typing import Any

import pytest

from k8s.client.waiting import wait_until
from tests.e2e.load import BURN, constant_rate
from tests.e2e.release import MAXIMUM, MINIMUM, Release, kubectl

pytestmark = pytest.mark.e2e

TARGET_PER_REPLICA = 10
CPU_TARGET_PERCENT = 80
# A request of so much CPU that reading users never comes near the CPU target.
ONLY_REQUEST_RATE: dict[str, Any] = {
    "resources": {"requests": {"cpu": "400m"}},
    "autoscaling": {
        "cpu": {"targetUtilizationPercent": CPU_TARGET_PERCENT},
        "requestRate": {"targetPerReplica": TARGET_PER_REPLICA},
    },
}


def test_both_targets_have_values(release: Release) -> None:
    """The autoscaler sees a value of CPU and one of the request rate, and `kubectl get hpa` shows them."""
    wait_until(release.metrics, lambda seen: None not in seen.values(), 60, "values of both targets")
    shown = kubectl("get", "hpa", "--no-headers")
    assert "cpu: " in shown
    assert "<unknown>" not in shown


def test_cpu_alone_scales_out_and_back_in(release: Release, tmp_path: Path) -> None:
    """Few requests that burn CPU scale it out, and it comes back in when they end."""
    rates: list[float] = []

    def ready() -> int:
        rates.append(release.metrics()["request_rate"] or 0)
        return release.ready()

    with constant_rate(tmp_path, requests_per_second=5, request=BURN):
        wait_until(ready, lambda count: count > MINIMUM, 150, f"more than {MINIMUM} replicas ready")
    assert max(rates) < TARGET_PER_REPLICA
    release.wait_for_replicas(MINIMUM, seconds=120)


def test_request_rate_alone_scales_out_and_back_in(installed: Release, tmp_path: Path) -> None:
    """Many cheap requests scale it out though CPU stays below its target, and it comes back in when they end."""
    installed.configure(ONLY_REQUEST_RATE)
    installed.wait_for_replicas(MINIMUM, seconds=120)
    cpu: list[float] = []

    def ready() -> int:
        cpu.append(installed.metrics()["cpu"] or 0)
        return installed.ready()

    with constant_rate(tmp_path, requests_per_second=80):
        wait_until(ready, lambda count: count == MAXIMUM, 120, f"{MAXIMUM} replicas ready")
    assert max(cpu) < CPU_TARGET_PERCENT
    installed.wait_for_replicas(MINIMUM, seconds=120)
