import time
from http import HTTPStatus
from typing import Any

import pytest

from loadtests.chaos.verdict import Bound
from loadtests.measure import Request, Stage, open_load
from tests.chaos.experiment import Experiment, Extent, Start
from tests.e2e.load import BASE_URL

pytestmark = pytest.mark.chaos

# The others' share of the target of two replicas leaves no room for much of the flood's.
OTHERS_RATE, FLOOD_RATE = 80, 300
BEFORE_SECONDS = Extent(30, short=20)
FLOOD_SECONDS = Extent(60, short=30)
# Of the median over windows: the flood's generator and the Ingress share two cores with the service, and one stall of
# 250 ms made a whole minute's p95 20 ms slower whose windows were 5 ms slower.
WINDOW_SECONDS = 5
P95_GROWTH_MS = 15
REPLICAS_MORE = 1
REFUSED_SHARE = 0.95

FLOODER = "flooder"
LIMITED: dict[str, Any] = {
    # The chart's own, as CPU counts too: of the demonstration's 100 millicores two pods have too few for this.
    "resources": {"requests": {"cpu": "250m"}},
    "config": {"rateLimit": {"overrides": [{"subject": FLOODER, "requests": 20, "window_seconds": 60}]}},
    "auth": {
        "staticTokens": [
            {"token": "test-token", "subject": "test", "scopes": ["users:read", "users:write"]},
            {"token": FLOODER, "subject": FLOODER, "scopes": ["users:read"]},
        ]
    },
}

REFUSED_FLOOD = Experiment(
    number=10,
    name="refused-flood",
    promise="300 requests/s of one client beyond its limit: one replica more at most, others' p95 at most 15 ms slower",
    sabotage="refused requests count for the autoscaler",
    values=LIMITED,
    sabotaged={"autoscaling": {"requestRate": {"excludedStatuses": []}}},
)


def test_refused_flood(start: Start) -> None:
    """A flood of 429s neither buys replicas nor slows those who keep to their limit."""
    run = start(REFUSED_FLOOD)
    flood = [Stage(FLOOD_RATE, 600)]
    with run.load(OTHERS_RATE):
        time.sleep(run.of(BEFORE_SECONDS))
        request = Request(name="flood", token=FLOODER)
        began = run.mark("flood")
        with open_load(run.folder / "flood", flood, requests=[request], environment={"BASE_URL": BASE_URL}) as load:
            time.sleep(run.of(FLOOD_SECONDS))
            load.stop()
            refused = load.answers()
        ended = run.mark("its end")
    before, during = run.answers.between(0, began), run.answers.between(began, ended)
    wanted_before = max(moment.wanted or 0 for moment in run.moments if moment.at_s < began)
    wanted_during = max(moment.wanted or 0 for moment in run.moments if moment.at_s >= began)
    statuses = [answer.status for answer in refused]
    p95_before, p95_during = (answers.typical_ms(0.95, WINDOW_SECONDS) for answers in (before, during))
    run.conclude(
        *run.failed_within(0),
        Bound("replicas more", wanted_during - wanted_before, at_most=REPLICAS_MORE),
        Bound("p95 slower by ms", p95_during - p95_before, at_most=P95_GROWTH_MS, of_time=True),
        Bound("share refused", statuses.count(HTTPStatus.TOO_MANY_REQUESTS) / len(statuses), at_least=REFUSED_SHARE),
        requests_of_the_flood=len(statuses),
        p95_before_ms=p95_before,
        p95_during_ms=p95_during,
    )
