import time

import pytest

from k8s.client.application import USERS
from loadtests.chaos.verdict import Bound
from loadtests.measure import READ, Request
from tests.chaos.experiment import Experiment, Extent, Start
from tests.chaos.postgresql.outage import named
from tests.chaos.postgresql.values import VALUES
from tests.chaos.values import CPU_OUT_OF_REACH
from tests.e2e.release import merged

pytestmark = [pytest.mark.chaos, pytest.mark.full]

# A second, through the Ingress. The writes change users that are being read, and add others, half and half.
READS, WRITES = Extent(1000, short=200), Extent(50, short=10)
SECONDS = Extent(60, short=20)
# The load lasts this long before it is measured: until the caches have what is read, and each replica its connections.
WARM_SECONDS = 15
P95_MS = 50
# Few enough to be cached by then. A write drops its user from all caches: a few reads of a hundred miss.
CACHED_USERS = 250
CACHED_SHARE = 0.9
FROM_A_CACHE = "reads from a cache, share"

TOGETHER = Experiment(
    number=23,
    name="reads-and-writes",
    promise="1,000 cached reads and 50 writes a second together for 60 s on three replicas: p95 in 50 ms, 0 failed",
    sabotage="nothing is cached",
    # Fewer and busier replicas answer faster on two cores than more of them; see docs/capacity.md.
    values=merged(
        VALUES,
        {"autoscaling": {"minReplicas": 3, **CPU_OUT_OF_REACH, "requestRate": {"targetPerReplica": 500}}},
    ),
    sabotaged={
        "config": {"extra": {"USERS_API_CACHE_L1_BYTES": "0", "USERS_API_CACHE_L2_ENABLED": "false"}},
    },
    breaks=FROM_A_CACHE,
)


def test_reads_and_writes(start: Start) -> None:
    """Writes beside them leave the reads fast, and no request fails."""
    run = start(TOGETHER)
    reads, writes = run.of(READS), run.of(WRITES)
    change = Request(method="PATCH", body={"name": "Grace Hopper"}, name="write")
    create = Request(path=USERS, method="POST", body={"name": "Ada", "email": "{unique}@example.com"}, name="write")
    rates = [(READ, reads), (change, writes // 2), (create, writes - writes // 2)]
    with run.offered(rates, WARM_SECONDS + run.of(SECONDS), users=CACHED_USERS):
        time.sleep(WARM_SECONDS)
        warm = run.mark("the caches are warm")
        time.sleep(run.of(SECONDS))
        ended = run.mark("end")
    measured = run.answers.between(warm, ended)
    answered = named(measured, "read")
    cached = answered.where(lambda answer: answer.cache in {"L1", "L2"})
    run.conclude(
        *run.failed_within(0),
        Bound("p95, ms", measured.percentile_ms(0.95), at_most=P95_MS, of_time=True),
        Bound(FROM_A_CACHE, len(cached) / len(answered), at_least=CACHED_SHARE),
        requests_a_second=len(measured) / run.of(SECONDS),
        read_p95_ms=answered.percentile_ms(0.95),
        write_p95_ms=named(measured, "write").percentile_ms(0.95),
    )
