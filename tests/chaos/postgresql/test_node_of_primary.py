import time

import pytest

from loadtests.chaos.nodes import drained
from loadtests.chaos.verdict import Bound
from tests.chaos import nodes
from tests.chaos.experiment import Experiment, Extent, Start
from tests.chaos.postgresql.outage import failing_for, kept, named, told, wait_for_writes
from tests.chaos.postgresql.values import NO_REPLICA, ON_WORKERS, SEEDED_USERS
from tests.e2e.postgres_server import primary

pytestmark = [pytest.mark.chaos, pytest.mark.full]

# k6 has clients enough for these while half of them wait for a node that says nothing.
READS, WRITES = 40, 10
BEFORE_SECONDS = 10
DRAINED_SECONDS = Extent(30, short=10)
STOPPED_SECONDS = Extent(60, short=45)
READ_AGAIN_SECONDS = 30
WRITES_AGAIN_SECONDS = 60

DRAINED = Experiment(
    number=17,
    name="primary-node-drained",
    promise="the node of the primary and its volume is drained: no read fails, no acknowledged write is lost, "
    "writes again within 60 s of its return",
    sabotage="no replica",
    values=ON_WORKERS,
    sabotaged=NO_REPLICA,
)
STOPPED = Experiment(
    number=17,
    name="primary-node-stopped",
    promise="the node of the primary stops dead: reads are answered again within 30 s, no acknowledged write is lost, "
    "writes again within 60 s of its return",
    sabotage="no replica",
    values=ON_WORKERS,
    sabotaged=NO_REPLICA,
)


def test_primary_node_drained(start: Start) -> None:
    """Where the volume cannot go elsewhere there are no writes, and reads go on."""
    run = start(DRAINED)
    node = primary(run.release).node
    nodes.leave_to(run.release, node)
    with run.load(READS, users=SEEDED_USERS), run.writes(WRITES) as ledger:
        time.sleep(BEFORE_SECONDS)
        run.mark("drain")
        with drained(run.release, node):
            run.mark("drained")
            time.sleep(run.of(DRAINED_SECONDS))
        back = run.mark("node is back")
        wait_for_writes(ledger)
        ended = run.mark("writes again")
    again = failing_for(named(run.answers, "write"), back, ended)
    run.conclude(
        Bound("reads failed", len(named(run.answers, "read").failed), at_most=0),
        Bound("writes fail for s after its return", again, at_most=WRITES_AGAIN_SECONDS),
        *kept(ledger, primary(run.release)),
        **told(ledger),
    )


def test_primary_node_stopped(start: Start) -> None:
    """A node that says nothing any more takes the writes with it until it is back, and not the reads."""
    run = start(STOPPED)
    node = primary(run.release).node
    nodes.leave_to(run.release, node)
    with run.load(READS, users=SEEDED_USERS), run.writes(WRITES) as ledger:
        time.sleep(BEFORE_SECONDS)
        with nodes.stopped(node):
            stopped = run.mark("node stops")
            time.sleep(run.of(STOPPED_SECONDS))
            back = run.mark("node is back")
        wait_for_writes(ledger)
        ended = run.mark("writes again")
    reads, writes = named(run.answers, "read"), named(run.answers, "write")
    run.conclude(
        Bound("reads fail for s", failing_for(reads, stopped, back), at_most=READ_AGAIN_SECONDS),
        Bound("reads failed once it is back", len(reads.failed.between(back, ended)), at_most=0),
        Bound("writes fail for s after its return", failing_for(writes, back, ended), at_most=WRITES_AGAIN_SECONDS),
        *kept(ledger, primary(run.release)),
        **told(ledger),
        reads_failed_meanwhile=len(reads.failed.between(stopped, back)),
    )
