import json
import time
from collections.abc import Iterator

import pytest

from loadtests.chaos.verdict import Bound
from tests.chaos.experiment import Experiment, Extent, Start
from tests.chaos.postgresql.outage import failing_for, kept, named, told, wait_for_writes
from tests.chaos.postgresql.small_volume import NAME, filled, small_volume
from tests.chaos.postgresql.values import NO_REPLICA, READS_BESIDE, SEEDED_USERS, VALUES
from tests.e2e.postgres_server import Server, primary
from tests.e2e.release import Release, merged

pytestmark = [pytest.mark.chaos, pytest.mark.full]

# Every other one is tried until it is taken. Of 50 a second there were 280 tries a second at last (revision df87c86),
# which left reads no CPU.
WRITES = 20
BEFORE_SECONDS = 10
FULL_SECONDS = Extent(45, short=20)
WRITES_AGAIN_SECONDS = 60
# What is left of the log of changes is a few files, of which each switch takes one.
MOST_SWITCHES = 20

FULL_DISK = Experiment(
    number=21,
    name="primary-disk-full",
    promise="the disk of the primary is full until the server dies of it: no read fails, "
    "no acknowledged write is lost, writes again within 60 s of there being room",
    sabotage="no replica",
    values=merged(
        VALUES,
        {
            "postgresql": {
                "bundled": {
                    "persistence": {"existingClaim": NAME},
                    # Enough for a slow replica: one that is cut off copies the primary, and is not read meanwhile.
                    "extraConfig": "max_wal_size = 32MB\nmin_wal_size = 32MB\nwal_keep_size = 64MB",
                }
            }
        },
    ),
    sabotaged=NO_REPLICA,
)


@pytest.fixture
def node(installed: Release) -> Iterator[str]:
    """Give a worker that has the small volume."""
    installed.uninstall()
    items = json.loads(installed.kubectl("get", "nodes", "--selector=!ingress-ready", "--output=json"))["items"]
    name = min(item["metadata"]["name"] for item in items)
    with small_volume(installed, name):
        yield name


def test_full_disk(node: str, start: Start) -> None:
    """A server that has no room for a write still answers reads, and goes on by itself when there is room."""
    run = start(FULL_DISK)
    with run.load(run.of(READS_BESIDE), users=SEEDED_USERS), run.writes(WRITES) as ledger:
        wait_for_writes(ledger)
        time.sleep(BEFORE_SECONDS)
        full = run.mark("full")
        with filled(node):
            died = use_up_the_log(primary(run.release))
            run.mark("the server has died")
            time.sleep(run.of(FULL_SECONDS))
            room = run.mark("room again")
        wait_for_writes(ledger)
        time.sleep(BEFORE_SECONDS)
        ended = run.mark("end")
    writes = named(run.answers, "write")
    run.conclude(
        Bound("the server dies of it", int(died), at_least=1),
        Bound("reads failed", len(named(run.answers, "read").failed), at_most=0),
        Bound("writes refused meanwhile", len(writes.failed.between(full, room)), at_least=1),
        Bound("writes fail for s once there is room", failing_for(writes, room, ended), at_most=WRITES_AGAIN_SECONDS),
        *kept(ledger, primary(run.release)),
        **told(ledger),
    )


def use_up_the_log(server: Server) -> bool:
    """Have the server begin new files of its log until there is no room for one; whether it has died of that."""
    for _ in range(MOST_SWITCHES):
        try:
            server.sql("SELECT pg_switch_wal()")
        except AssertionError:
            return True
        time.sleep(1)
    return False
