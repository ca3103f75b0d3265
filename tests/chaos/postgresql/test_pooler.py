import time

import pytest

from loadtests.chaos.verdict import Bound
from tests.chaos.experiment import Experiment, Extent, Run, Start
from tests.chaos.postgresql.outage import kept, named, outages, told, wait_for_writes
from tests.chaos.postgresql.values import READS_BESIDE, SEEDED_USERS, VALUES, WRITES
from tests.e2e.postgres_server import kill_container, primary
from tests.e2e.release import merged

pytestmark = [pytest.mark.chaos, pytest.mark.full]

ROUNDS = Extent(3, short=1)
EACH_SECONDS = 20
OUTAGE_SECONDS = 2

KILLED = Experiment(
    number=18,
    name="pooler-killed",
    promise="one of two PgBouncers is killed three times at 100 writes/s: writes again within 2 s, "
    "no acknowledged write is lost, none happens twice, no read fails",
    sabotage="one PgBouncer",
    values=merged(VALUES, {"postgresql": {"pooler": {"enabled": True}}}),
    sabotaged={"postgresql": {"pooler": {"replicas": 1}}},
)


def test_pooler_killed(start: Start) -> None:
    """The other PgBouncer takes over at once what the one that died has left."""
    run = start(KILLED)
    killed = []
    with run.load(run.of(READS_BESIDE), users=SEEDED_USERS), run.writes(run.of(WRITES)) as ledger:
        wait_for_writes(ledger)
        for _ in range(run.of(ROUNDS)):
            time.sleep(EACH_SECONDS / 2)
            killed.append(run.mark("one is killed"))
            kill_container(run.release, _one(run), "pgbouncer")
            time.sleep(EACH_SECONDS / 2)
        wait_for_writes(ledger)
        ended = run.mark("end")
    run.conclude(
        Bound(
            "writes fail for s, longest",
            max(outages(named(run.answers, "write"), killed, ended)),
            at_most=OUTAGE_SECONDS,
            of_time=True,
        ),
        Bound("reads failed", len(named(run.answers, "read").failed), at_most=0),
        *kept(ledger, primary(run.release)),
        **told(ledger),
        tries_failed=len(named(run.answers, "write").failed),
    )


def _one(run: Run) -> str:
    """A PgBouncer that serves."""
    selector = "--selector=app.kubernetes.io/component=postgresql-pooler"
    ready = "jsonpath={.items[?(@.status.containerStatuses[0].ready==true)].metadata.name}"
    return min(run.release.kubectl("get", "pods", selector, f"--output={ready}").split())
