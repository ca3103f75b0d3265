import asyncio
from collections import Counter

import pytest

from loadtests.chaos.verdict import Bound
from loadtests.hostile.wire import address
from loadtests.idle import reuse_after
from loadtests.measure import Answers
from tests.chaos.experiment import Experiment, Extent, Start
from tests.chaos.pod_address import reached
from tests.e2e.load import BASE_URL

pytestmark = pytest.mark.chaos

TOKEN = "test-token"

# 6 s is past uvicorn's own limit of 5 s; 55 s and 61 s are around the 60 s after which proxies let go themselves.
THROUGH_INGRESS: dict[float, int] = {6: 240, 55: 230, 61: 230}
TO_A_POD: dict[float, int] = {6: 100, 55: 100, 61: 100}
REQUESTS = Extent(1_000, short=340)

KEEP_ALIVE = Experiment(
    number=6,
    name="keep-alive",
    promise="1,000 connections are reused after 6, 55 and 61 s, through the Ingress and to a pod: no 502, no reset",
    sabotage="the service lets go of idle connections after 5 s, as uvicorn does by itself",
    sabotaged={"config": {"keepAliveSeconds": 5}},
)


def test_keep_alive(start: Start) -> None:
    """A connection that was idle for as long as any proxy keeps one is there for the next request."""
    run = start(KEEP_ALIVE)

    def only_short(connections: dict[float, int]) -> dict[float, int]:
        return {seconds: count for seconds, count in connections.items() if seconds < 10 or not run.short}

    async def reuse() -> tuple[Answers, Answers]:
        return await asyncio.gather(
            reuse_after(address(BASE_URL), TOKEN, only_short(THROUGH_INGRESS), "Ingress"),
            reuse_after(pod, TOKEN, only_short(TO_A_POD), "pod"),
        )

    with reached(run.release, min(run.release.pods())) as pod:
        run.answers = Answers(answer for answers in asyncio.run(reuse()) for answer in answers)
    run.conclude(
        Bound("failed", len(run.answers.failed), at_most=0),
        Bound("connections", len(run.answers), at_least=run.of(REQUESTS)),
        **Counter(f"failed, {answer.name}" for answer in run.answers.failed),
    )
