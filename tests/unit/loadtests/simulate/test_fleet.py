from typing import Any

import pytest

from loadtests.simulate.clock import Clock
from loadtests.simulate.fleet import LABEL, App, Fleet
from loadtests.simulate.pod_model import Served
from loadtests.simulate.settings import settings


class _Clock(Clock):
    """Stands where the test puts it."""

    def __init__(self) -> None:
        super().__init__(speed=1)
        self.second = 0.0

    def now(self) -> float:
        return self.second


@pytest.fixture
def clock() -> _Clock:
    """Give a clock that the test turns."""
    return _Clock()


@pytest.fixture
def app() -> App:
    """Give a Deployment that 100 req/s come to."""
    rates = [100.0] * 600
    return App("shop", settings({})[0], rates, Served(rates, 1000))


def _pod(name: str, *, app: str = "shop", node: str | None = None, ready: bool = False, deleted: bool = False) -> Any:  # noqa: ANN401 - JSON
    metadata: dict[str, Any] = {"name": name, "labels": {LABEL: app}}
    if deleted:
        metadata["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    conditions = [{"type": "Ready", "status": "True" if ready else "False"}]
    return {
        "metadata": metadata,
        "spec": {"nodeName": node} if node else {},
        "status": {"conditions": conditions},
    }


def test_a_pod_is_followed_from_creation_to_its_end(clock: _Clock, app: App) -> None:
    """Each state is kept with the second at which it was first seen."""
    fleet = Fleet(clock, [app])
    for second, kind, item in (
        (1, "ADDED", _pod("a")),
        (2, "MODIFIED", _pod("a", node="n")),
        (6, "MODIFIED", _pod("a", node="n", ready=True)),
        (7, "MODIFIED", _pod("a", node="n", ready=True)),
        (50, "MODIFIED", _pod("a", node="n", ready=True, deleted=True)),
        (66, "DELETED", _pod("a", node="n", ready=True, deleted=True)),
    ):
        clock.second = second
        fleet.see_pod(kind, item)
    pod = app.pods["a"]
    assert (pod.created_s, pod.scheduled_s, pod.ready_s, pod.deleted_s, pod.gone_s) == (1, 2, 6, 50, 66)


def test_ready_pods_are_counted_until_they_are_deleted(clock: _Clock, app: App) -> None:
    """A draining pod takes no new requests; pods of others are not counted."""
    fleet = Fleet(clock, [app])
    for name in ("a", "b"):
        fleet.see_pod("ADDED", _pod(name, node="n", ready=True))
    fleet.see_pod("ADDED", _pod("c", app="other", node="n", ready=True))
    assert fleet.ready == 2
    fleet.see_pod("MODIFIED", _pod("a", node="n", ready=True, deleted=True))
    fleet.see_pod("DELETED", _pod("a", node="n", ready=True, deleted=True))
    assert fleet.ready == 1


def test_only_changes_of_replicas_are_kept(clock: _Clock, app: App) -> None:
    """A Deployment is seen whenever its status changes, and wants something else much less often."""
    fleet = Fleet(clock, [app])
    for second, replicas in ((0, 2), (10, 2), (20, 4)):
        clock.second = second
        fleet.see_deployment("MODIFIED", {"metadata": {"name": "shop"}, "spec": {"replicas": replicas}})
    fleet.see_deployment("MODIFIED", {"metadata": {"name": "other"}, "spec": {"replicas": 9}})
    assert app.wanted == [(0, 2), (20, 4)]


def test_rates_are_of_ready_pods_and_share_what_comes(clock: _Clock, app: App) -> None:
    """Two pods have half of it each; one that starts has no rate."""
    fleet = Fleet(clock, [app])
    for name, ready in (("a", True), ("b", True), ("c", False)):
        fleet.see_pod("ADDED", _pod(name, node="n", ready=ready))
    assert app.pod_rates(120, window_seconds=60, scrape_seconds=15) == {
        "a": pytest.approx(50),
        "b": pytest.approx(50),
    }
