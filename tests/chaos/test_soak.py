import time
from collections.abc import Sequence
from statistics import linear_regression

import pytest

from k8s.client.prometheus import Prometheus
from loadtests.chaos.verdict import Bound
from loadtests.measure import Request
from tests.chaos.experiment import Experiment, Extent, Start
from tests.chaos.traffic import MIX
from tests.chaos.values import FOUR
from tests.e2e.release import NAMESPACE

pytestmark = pytest.mark.chaos

# 60 % of the 200 requests/s that four replicas are meant for.
SOAK_RATE = 120
SOAK_SECONDS = Extent(1800, short=240)
# Caches, pools and the allocator's arenas fill at first.
WARM_SHARE = 1 / 3
RSS_MIB_PER_HOUR = 4
P99_GROWTH = 1.5
SCRAPE_SECONDS = 5

LEAK = Request("/api/faults/leak?kibibytes=16", name="leak", weight=5)

SOAK = Experiment(
    number=13,
    name="soak",
    promise="30 minutes at 60 %: memory grows by at most 4 MiB an hour, p99 at most 1.5x from the middle to the end",
    sabotage="one request in twenty leaks 16 KiB",
    values=FOUR,
)


@pytest.mark.long
@pytest.mark.timeout(2700)
def test_soak(start: Start, prometheus: Prometheus) -> None:
    """Neither memory nor the time to an answer grows while the service goes on."""
    run = start(SOAK)
    seconds = run.of(SOAK_SECONDS)
    pods = run.release.pods()
    with run.load(SOAK_RATE, requests=(*MIX, LEAK) if run.sabotaged else MIX):
        began = run.mark("soak")
        time.sleep(seconds)
        ended = time.time()
    warm = began + WARM_SHARE * seconds
    query = f'process_resident_memory_bytes{{namespace="{NAMESPACE}",pod=~"{"|".join(sorted(pods))}"}} / 2^20'
    slopes = [mib_per_hour(series.values) for series in prometheus.query_range(query, warm, ended, SCRAPE_SECONDS)]
    third = (ended - warm) / 2
    middle, last = (run.answers.between(at, at + third).typical_ms(0.99, 60) for at in (warm, warm + third))
    run.conclude(
        *run.failed_within(0),
        Bound("replicas measured", len(slopes), at_least=len(pods)),
        Bound("MiB an hour", max(slopes, default=float("nan")), at_most=RSS_MIB_PER_HOUR),
        Bound("p99 grows by", last / middle, at_most=P99_GROWTH),
        p99_of_the_middle_ms=middle,
        p99_of_the_end_ms=last,
    )


def mib_per_hour(samples: Sequence[tuple[float, float]]) -> float:
    """Slope of the samples: Unix seconds and MiB."""
    return linear_regression(*zip(*samples, strict=True)).slope * 3600
