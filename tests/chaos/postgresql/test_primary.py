import time

import pytest

from loadtests.chaos.verdict import Bound
from tests.chaos.experiment import Experiment, Extent, Start
from tests.chaos.postgresql.outage import LOST, failing_for, kept, named, outages, p50, told, wait_for_writes
from tests.chaos.postgresql.values import READS_BESIDE, SEEDED_USERS, VALUES, WRITES
from tests.chaos.postgresql.without_redis import redis_as_said, with_redis_and_without
from tests.e2e.postgres_server import primary

pytestmark = pytest.mark.chaos

KILLS = Extent(3, short=1)
BETWEEN_SECONDS = Extent(15, short=2)
OUTAGE_P50_SECONDS, LONGEST_OUTAGE_SECONDS = 5, 15
# On a busy machine all that has waited for the primary meets it at once, and some reads have no answer in time.
READS_FAILED = Extent(0, short=2 * READS_BESIDE.short)

WRITES_BESIDE = Extent(20, short=10)
FROZEN_SECONDS = Extent(30, short=8)
SLOWEST, ANSWERED_MS = "slowest answer meanwhile, ms", 1_000
AGAIN_SECONDS = 5

KILLED = Experiment(
    number=15,
    name="primary-killed",
    promise="the primary is killed three times at 100 writes/s: no acknowledged write is lost, none happens twice, "
    "writes again within 5 s (p50) and 15 s (longest)",
    sabotage="synchronous_commit is off",
    values=VALUES,
    sabotaged={"postgresql": {"bundled": {"extraConfig": "synchronous_commit = off"}}},
    breaks=LOST,
)
FROZEN = Experiment(
    number=15,
    name="primary-frozen",
    promise="the primary is frozen for 30 s: every answer within 1 s, no read fails, "
    "writes again within 5 s of its end",
    sabotage="statements have 20 s, and there is no circuit breaker",
    values=VALUES,
    sabotaged={
        "extraEnv": [
            {"name": "USERS_API_DATABASE_OPERATION_TIMEOUT_SECONDS", "value": "20"},
            {"name": "USERS_API_DATABASE_BREAKER_FAILURES", "value": "1000"},
        ]
    },
    breaks=SLOWEST,
)


@with_redis_and_without(KILLED)
def test_primary_killed(start: Start, experiment: Experiment) -> None:
    """The server dies with its container, and then twice alone: what was acknowledged outlives it.

    The death of a process is no machine's: the kernel still writes what it was given.
    """
    run = start(experiment)
    server = primary(run.release)
    started, killed = {server.started_at}, []
    with redis_as_said(run), run.load(run.of(READS_BESIDE), users=SEEDED_USERS), run.writes(run.of(WRITES)) as ledger:
        for kill in (server.kill_container, server.kill, server.kill)[: run.of(KILLS)]:
            wait_for_writes(ledger)
            time.sleep(run.of(BETWEEN_SECONDS))
            killed.append(run.mark("killed"))
            kill()
            wait_for_writes(ledger)
            started.add(server.started_at)
        time.sleep(run.of(BETWEEN_SECONDS))
        ended = run.mark("end")
    seconds = outages(named(run.answers, "write"), killed, ended)
    run.conclude(
        Bound("starts of the server", len(started), at_least=1 + len(killed)),
        Bound("writes fail for s, p50", p50(seconds), at_most=OUTAGE_P50_SECONDS, of_time=True),
        Bound("writes fail for s, longest", max(seconds), at_most=LONGEST_OUTAGE_SECONDS, of_time=True),
        Bound("reads failed", len(named(run.answers, "read").failed), at_most=run.of(READS_FAILED)),
        *kept(ledger, server),
        **told(ledger),
    )


@pytest.mark.full
@with_redis_and_without(FROZEN)
def test_primary_frozen(start: Start, experiment: Experiment) -> None:
    """A server that accepts and says nothing holds nobody up, and is used again when it wakes."""
    run = start(experiment)
    server = primary(run.release)
    with (
        redis_as_said(run),
        run.load(run.of(READS_BESIDE), users=SEEDED_USERS),
        run.writes(run.of(WRITES_BESIDE)) as ledger,
    ):
        wait_for_writes(ledger)
        time.sleep(run.of(BETWEEN_SECONDS))
        frozen = run.mark("frozen")
        with server.frozen():
            time.sleep(run.of(FROZEN_SECONDS))
            waking = run.mark("wakes")
        wait_for_writes(ledger)
        time.sleep(run.of(BETWEEN_SECONDS))
        ended = run.mark("end")
    during, writes = run.answers.between(frozen, waking), named(run.answers, "write")
    run.conclude(
        Bound(SLOWEST, during.percentile_ms(1), at_most=ANSWERED_MS, of_time=True),
        Bound("reads failed", len(named(run.answers, "read").failed), at_most=0),
        Bound("writes refused meanwhile", len(named(during, "write").failed), at_least=1),
        Bound(
            "writes fail for s after its end", failing_for(writes, waking, ended), at_most=AGAIN_SECONDS, of_time=True
        ),
        *kept(ledger, server),
        **told(ledger),
        p99_meanwhile_ms=during.percentile_ms(0.99),
    )
