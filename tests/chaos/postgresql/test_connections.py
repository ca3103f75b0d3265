import time
from functools import partial

import pytest

from loadtests.chaos.experiments import scale_to
from loadtests.chaos.faults import restart
from loadtests.chaos.verdict import Bound
from tests.chaos.experiment import Experiment, Extent, Start
from tests.chaos.postgresql.connections import counted, refused
from tests.chaos.postgresql.values import SEEDED_USERS, VALUES
from tests.chaos.test_scaling import FEWEST, MOST, SHARES, tell
from tests.chaos.traffic import MIX
from tests.e2e.postgres_server import primary, replica
from tests.e2e.release import merged

pytestmark = pytest.mark.chaos

# Past the caches a request takes twice the CPU, and eight pods that start take all of two cores: at 200 the gate in
# front of the connections turned 1,547 of 25,554 away (revision df87c86), and what was measured was the machine.
RATE = Extent(100, short=40)
POOL_SIZE = 4
# As the chart counts: 8 pods, 2 more in a rollout, and 8 that are being stopped.
BUDGET = (MOST + 2 + MOST) * POOL_SIZE
RESERVED = 13
ROLLOUTS = Extent(2, short=1)

ROLLOUT = Experiment(
    number=20,
    name="connections",
    promise="2 replicas become 8, which are rolled out at 100 requests/s on a server with just enough connections: "
    "0 failed, nobody is turned away",
    sabotage="the server takes 15 connections, fewer than the chart counts on",
    values=merged(
        VALUES,
        {
            "config": {"databasePoolSize": POOL_SIZE},
            "postgresql": {"maxConnections": BUDGET + RESERVED},
            "autoscaling": {
                "minReplicas": FEWEST,
                "requestRate": {"targetPerReplica": RATE.full * SHARES[FEWEST]},
            },
        },
    ),
    sabotaged={"postgresql": {"bundled": {"extraConfig": "max_connections = 15"}}},
)


def test_rollout_within_the_budget(start: Start) -> None:
    """However many pods come and go at once, the server has room for their connections."""
    run = start(ROLLOUT)
    servers = primary(run.release), replica(run.release)
    began = time.monotonic()
    with run.load(run.of(RATE), requests=MIX, users=SEEDED_USERS), counted(servers[0]) as counts:
        scale_to(run, MOST, partial(tell, run, run.of(RATE)))
        for _ in range(run.of(ROLLOUTS)):
            run.mark("rollout")
            restart(run.release)
        run.mark("end")
        time.sleep(2)
    run.conclude(
        *run.failed_within(0),
        Bound("most connections of the service to the primary", max(counts), at_most=BUDGET),
        Bound("clients turned away", sum(refused(each, time.monotonic() - began) for each in servers), at_most=0),
        Bound("most replicas ready", max(moment.ready or 0 for moment in run.moments), at_least=MOST),
        connections_counted_on=BUDGET,
    )
