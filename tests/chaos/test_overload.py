import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

import pytest

from k8s.ingress.controllers import TRAEFIK
from loadtests.chaos.verdict import Bound
from tests.chaos import way_in
from tests.chaos.experiment import Experiment, Extent, Start
from tests.chaos.flood import flood
from tests.e2e.controller import controller, kubectl

pytestmark = pytest.mark.chaos

REPLICAS = 3
CONNECTIONS = 1_000
FLOOD_SECONDS = Extent(30, short=15)
OTHERS_RATE = 50
BEFORE_SECONDS, AFTER_SECONDS = 5, 20
WHOLE_AGAIN_SECONDS = 5
SLOW_MS = 1_000

OVERLOAD = Experiment(
    number=14,
    name="overload",
    promise="1,000 connections that never pause for 30 s: the way in is not killed, no 404, whole again within 5 s",
    sabotage="one Traefik, without bounds of memory and of requests, ready before its routes are",
    values={"autoscaling": {"engine": "none", "minReplicas": REPLICAS}, "replicaCount": REPLICAS},
)


def test_overload(start: Start, pytestconfig: pytest.Config) -> None:
    """What is too much is refused at the door: the way in lives through it, and serves at once when it is over."""
    if pytestconfig.getoption("--sabotage") and controller() is not TRAEFIK:
        pytest.skip(f"what is broken are Traefik's bounds, and {controller().name} serves the Ingress")
    run = start(OVERLOAD)
    with _way_in(bounded=not run.sabotaged), run.load(OTHERS_RATE):
        restarts = _restarts()
        time.sleep(BEFORE_SECONDS)
        run.mark("flood")
        flooding = flood(CONNECTIONS, run.of(FLOOD_SECONDS))
        ended = run.mark("its end")
        time.sleep(AFTER_SECONDS)
        killed = _restarts() - restarts
    late = [each for each in run.answers if each.at_s > ended and (each.failed or each.duration_ms > SLOW_MS)]
    whole_after = max((answer.at_s - ended for answer in late), default=0)
    not_found = sum(answer.status == HTTPStatus.NOT_FOUND for answer in run.answers)
    run.conclude(
        Bound(f"{controller().name} killed", killed, at_most=0),
        Bound("answered 404", not_found + flooding.get(HTTPStatus.NOT_FOUND, 0), at_most=0),
        Bound("whole again within, s", whole_after, at_most=WHOLE_AGAIN_SECONDS, of_time=True),
        requests_of_the_flood=sum(flooding.values()),
        served_of_the_flood=flooding.get(HTTPStatus.OK, 0),
        refused_of_the_flood=flooding.get(controller().refuses, 0),
    )


def _restarts() -> int:
    kinds = ("containerStatuses", "initContainerStatuses")  # a sidecar is among the second
    paths = (f"--output=jsonpath={{.items[*].status.{kind}[*].restartCount}}" for kind in kinds)
    return sum(int(count) for path in paths for count in kubectl("get", "pods", path).split())


@contextmanager
def _way_in(*, bounded: bool) -> Iterator[None]:
    """Have the way in as it is, or Traefik for so long without what bounds it."""
    if bounded:
        yield
        return
    before = json.loads(kubectl("get", "deployment", TRAEFIK.workload, "--output=json"))["spec"]
    (container,) = before["template"]["spec"]["containers"]
    open_door: dict[str, Any] = {
        **{name: value for name, value in container.items() if name != "startupProbe"},
        "args": [argument for argument in container["args"] if "http.middlewares" not in argument],
        "env": [variable for variable in container["env"] if variable["name"] != "GOMEMLIMIT"],
    }
    try:
        _set(1, open_door)
        yield
    finally:
        _set(before["replicas"], container)


def _set(replicas: int, container: dict[str, Any]) -> None:
    way_in.change({"replicas": replicas, "template": {"spec": {"containers": [container]}}})
