import asyncio
import time
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor

import pytest

from loadtests.chaos.verdict import Bound
from loadtests.hostile.malformed import attacks, follow_up
from loadtests.hostile.slow import Siege, Slowloris
from loadtests.hostile.verdict import fault, was_split
from loadtests.hostile.wire import Address, Reply, address, exchange
from loadtests.hostile.witness import Witness
from tests.chaos.experiment import Experiment, Extent, Start
from tests.chaos.pod_address import reached
from tests.e2e.load import BASE_URL

pytestmark = pytest.mark.chaos

TOKEN = "test-token"

OTHERS_RATE = 100
P99_MS = 100
CONNECTIONS, CONNECTIONS_TO_A_POD = 500, 100
SIEGE_SECONDS = Extent(30, short=10)
# The Ingress bears a slow client for 15 s, the service for 10.
PATIENCE_SECONDS = 25
ROUNDS = Extent(3, short=1)

HOSTILE_CLIENTS = Experiment(
    number=12,
    name="hostile-clients",
    promise="500 slow clients are cut, 26 malformed requests refused; others get their own answers, p99 in 100 ms",
    sabotage="the service waits an hour for a request",
    sabotaged={"config": {"extra": {"USERS_API_REQUEST_RECEIVE_TIMEOUT_SECONDS": "3600"}}},
)


def test_hostile_clients(start: Start) -> None:
    """Slow and malformed requests end in their sender's own connection, and others notice nothing."""
    run = start(HOSTILE_CLIENTS)
    seconds = run.of(SIEGE_SECONDS)
    ingress = address(BASE_URL)
    with (
        reached(run.release, min(run.release.pods())) as pod,
        run.load(OTHERS_RATE),
        Witness(ingress, TOKEN) as witness,
    ):
        time.sleep(5)
        began = run.mark("slow clients")
        besieged, pod_besieged = asyncio.run(besiege(ingress, pod, seconds))
        run.mark("malformed requests")
        rounds = run.of(ROUNDS)
        replies = [(where, *each) for where in (ingress, pod) for _ in range(rounds) for each in malformed(where)]
        run.mark("their end")
    said = [(name, where == ingress, fault(reply, by_proxy=where == ingress)) for where, name, reply in replies]
    faults = [
        f"{'Ingress' if by_ingress else 'pod'}, {name}: {wrong}"
        for name, by_ingress, wrong in said
        if wrong is not None
    ]
    (run.folder / "faults.txt").write_text(
        "".join(f"{line}\n" for line in [*faults, *witness.foreign, *witness.failed])
    )
    during = run.answers.between(began, time.time())
    run.conclude(
        *run.failed_within(0),
        Bound("p99 of others, ms", during.percentile_ms(0.99), at_most=P99_MS, of_time=True),
        Bound("slow connections at once", besieged.most_open, at_least=0.95 * CONNECTIONS),
        Bound("slow connections borne", besieged.uncut + pod_besieged.uncut, at_most=0),
        Bound("malformed requests not refused", len(faults), at_most=0),
        Bound("answers to others", len(witness.foreign), at_most=0),
        Bound("answers missing", len(witness.failed), at_most=0),
        p99_before_ms=run.answers.between(0, began).percentile_ms(0.99),
        longest_borne_s=max(besieged.longest_seconds, pod_besieged.longest_seconds),
        slow_connections=len(besieged.held) + len(pod_besieged.held),
        malformed_requests=len(replies),
        split_by_the_Ingress=sum(was_split(reply) for *_, reply in replies),
        answers_checked=witness.answered,
    )


async def besiege(ingress: Address, pod: Address, seconds: float) -> tuple[Siege, Siege]:
    """Hold the Ingress and one pod in a siege of slow clients at the same time."""

    def siege(of: Address, connections: int) -> Coroutine[None, None, Siege]:
        slowloris = Slowloris(of, connections=connections, token=TOKEN, patience_seconds=PATIENCE_SECONDS)
        return slowloris.run(seconds)

    return await asyncio.gather(siege(ingress, CONNECTIONS), siege(pod, CONNECTIONS_TO_A_POD))


def malformed(to: Address) -> list[tuple[str, Reply]]:
    """Send every malformed request, each on a connection of its own with an innocent one behind it."""
    with ThreadPoolExecutor(len(attacks(TOKEN))) as pool:
        replies = pool.map(
            lambda attack: exchange(to, attack, follow_up(TOKEN), timeout_seconds=PATIENCE_SECONDS),
            attacks(TOKEN).values(),
        )
        return list(zip(attacks(TOKEN), replies, strict=True))
