import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from k8s.client.prometheus import Prometheus, Sample
from k8s.client.release import Release
from loadtests.assess.installation import Installation
from loadtests.assess.parts import ADDONS
from loadtests.assess.plan import Plan
from loadtests.assess.throughput import ThroughputPhase
from loadtests.assess.usage import GENERATOR, UsageMeter
from loadtests.measure import Generator
from tests.http_server import Quiet, serving

pytestmark = pytest.mark.integration

CAPACITY = 100
"""Requests a second: one after another, each for so long."""
PLAN = Plan(first_rate=25, step_seconds=2, precision=0.5, tries=1, hold_seconds=2)


class _OneByOne(Quiet, BaseHTTPRequestHandler):
    """Answers one request at a time."""

    protocol_version = "HTTP/1.1"
    turn = threading.Lock()

    def do_GET(self) -> None:
        with self.turn:
            threading.Event().wait(1 / CAPACITY)
        self.send_response(200)
        self.send_header("content-length", "0")
        self.send_header("x-cache", "L1")
        self.end_headers()


class _Alone(Release):
    """A release of one replica, which no cluster has."""

    def __init__(self) -> None:
        pass

    def ready(self) -> int:
        return 1


class _NoCluster:
    """What pods this machine may have are none of the release's."""

    def refresh(self) -> None:
        """Learn nothing."""

    def of(self, uid: str) -> tuple[str, str]:
        return ADDONS, uid


class _NoFigures(Prometheus):
    """No Prometheus knows of any either."""

    def query(self, query: str, at_s: float | None = None) -> list[Sample]:  # noqa: ARG002 - of the original
        return []


@pytest.fixture
def base_url() -> Iterator[str]:
    """Serve on a free port of this host."""
    with serving(ThreadingHTTPServer(("127.0.0.1", 0), _OneByOne)) as url:
        yield url


def test_what_is_held_for_long_is_told_of_each_generator(base_url: str, tmp_path: Path) -> None:
    """The search is the cheap one's, and k6 holds too; neither holds more than the service can do."""
    parts: Any = _NoCluster()
    prometheus = _NoFigures(None, "monitoring/prometheus:9090")
    installation = Installation("", base_url, "token", "", None, _Alone(), prometheus)
    found = ThroughputPhase(installation, PLAN, UsageMeter(parts, prometheus), tmp_path, 9).measure()
    assert {step.generator for step in found.steps} == {Generator.STEADY}
    assert [step.generator for step in (found.hold, found.by_k6)] == list(Generator)
    assert found.holds[-1] == found.by_k6
    assert found.hold in found.holds
    steps = [*found.steps, *found.holds]
    assert max((step.rate for step in steps if step.held), default=0) <= 1.1 * CAPACITY
    assert not all(step.held for step in found.steps)
    assert all(step.usage.parts[GENERATOR] > 0 for step in steps)
    assert set(found.caches) == {"L1"}
    for step in steps:
        assert (Path(step.folder) / f"{step.generator}.csv").is_file()
