import json
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from loadtests.chaos.verdict import Bound
from tests.chaos import way_in
from tests.chaos.experiment import Experiment, Extent, Start
from tests.chaos.values import FOUR
from tests.e2e.controller import controller, kubectl

pytestmark = pytest.mark.chaos

RATE = 200
ROUNDS = Extent(3, short=1)
BETWEEN_SECONDS = 10
REQUESTS = Extent(10_000, short=4_000)

WAY_IN_RESTARTED = Experiment(
    number=24,
    name="way-in-restarted",
    promise="0 failed of 10,000 requests while the pods of the way in are replaced three times at 200 requests/s",
    sabotage="they end at once, whatever they have under way",
    values=FOUR,
)


def test_way_in_restarted(start: Start) -> None:
    """Who serves the Ingress is updated without a lost request: its pods answer what they have, and take no more."""
    run = start(WAY_IN_RESTARTED)
    with _ending(at_once=run.sabotaged), run.load(RATE):
        time.sleep(BETWEEN_SECONDS)
        for number in range(run.of(ROUNDS)):
            run.mark(f"restart {number + 1}")
            kubectl("rollout", "restart", f"deployment/{controller().workload}")
            way_in.wait()
            time.sleep(BETWEEN_SECONDS)
    run.conclude(
        Bound("failed", len(run.answers.failed), at_most=0),
        Bound("requests", len(run.answers), at_least=run.of(REQUESTS)),
    )


@contextmanager
def _ending(*, at_once: bool) -> Iterator[None]:
    """Have the pods as they are, or for so long such as are killed a second after they were told."""
    if not at_once:
        yield
        return
    before = json.loads(kubectl("get", "deployment", controller().workload, "--output=json"))["spec"]["template"][
        "spec"
    ]
    _set(1)
    try:
        yield
    finally:
        _set(before["terminationGracePeriodSeconds"])


def _set(grace_seconds: int) -> None:
    way_in.change({"template": {"spec": {"terminationGracePeriodSeconds": grace_seconds}}})
