import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

import pytest

from k8s.client.waiting import wait_until
from loadtests.measure import Request
from loadtests.tune.command import search
from loadtests.tune.offer import Offer, Target
from loadtests.tune.search import Effort
from service.dev import free_port
from tests import planted

pytestmark = [pytest.mark.integration, pytest.mark.measures]

START_SECONDS = 60
# Far above what a busy machine makes requests wait, and steps as long as that takes.
P95_MS, STEP_SECONDS = 200, 8
# Other work spoils steps, and never makes one better. One round: the plant's capacity is the same in each.
EFFORT = Effort(precision=0.06, fewest_rounds=1, most_rounds=1, tries=2)


@contextmanager
def _serving(slots: int, milliseconds: float, spin: float) -> Iterator[str]:
    port = free_port()
    command = [sys.executable, planted.__file__, *map(str, (slots, milliseconds, spin, port))]
    process = subprocess.Popen(command)
    try:
        wait_until(lambda: _answers(port), bool, START_SECONDS, "it serves")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=60)


def _answers(port: int) -> bool:
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("slots", "milliseconds", "spin"),
    [pytest.param(4, 40, 0, id="sleep"), pytest.param(1, 40, 1, id="spin", marks=pytest.mark.full)],
)
def test_a_planted_capacity_is_found(slots: int, milliseconds: float, spin: float, tmp_path: Path) -> None:
    """What one replica can do behind a semaphore, asleep or at work, is measured to a tenth by the real load."""
    capacity = slots * 1000 / milliseconds
    with _serving(slots, milliseconds, spin) as url:
        target = Target(url, "", Request("/"), p95_ms=P95_MS, step_seconds=STEP_SECONDS)
        found = search(Offer(target, lambda: 1, tmp_path), capacity / 3, EFFORT)
    assert found.rate == pytest.approx(capacity, rel=0.1), found
