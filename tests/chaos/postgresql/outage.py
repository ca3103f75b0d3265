"""What clients saw of a server that was away."""

from collections.abc import Sequence
from itertools import pairwise
from statistics import median

from k8s.client.waiting import wait_until
from loadtests.chaos.verdict import Bound
from loadtests.ledger import Ledger
from loadtests.measure import Answers
from tests.chaos.postgresql.values import SEEDED_USERS
from tests.e2e.postgres_server import Server

AGAIN_SECONDS = 90
ENOUGH_AGAIN = 50
LOST = "acknowledged writes lost"


def named(answers: Answers, name: str) -> Answers:
    """Those to one kind of request: `read` or `write`."""
    return answers.where(lambda answer: answer.name == name)


def failing_for(answers: Answers, since_s: float, until_s: float) -> float:
    """Seconds from one time to the last request before another that failed; 0 if none did."""
    return max((answer.at_s - since_s for answer in answers.failed.between(since_s, until_s)), default=0.0)


def outages(answers: Answers, begun: Sequence[float], ended_s: float) -> list[float]:
    """The same for each of several times, up to the next one."""
    return [failing_for(answers, since_s, until_s) for since_s, until_s in pairwise([*begun, ended_s])]


def p50(outages: Sequence[float]) -> float:
    """The one in the middle."""
    return median(outages)


def wait_for_writes(ledger: Ledger) -> None:
    """Wait until some more are acknowledged."""
    wanted = len(ledger.outcome.acknowledged) + ENOUGH_AGAIN
    what = f"{wanted} acknowledged writes"
    wait_until(lambda: len(ledger.outcome.acknowledged), lambda count: count >= wanted, AGAIN_SECONDS, what)


def lost(ledger: Ledger, server: Server) -> set[str]:
    """Whom of the acknowledged a server lacks, or the service: its caches show for a minute who is nowhere else."""
    written = f"SELECT email, id FROM users WHERE id > {SEEDED_USERS}"  # noqa: S608 - a number
    stored = set(server.sql(written).splitlines())
    acknowledged = ledger.outcome.acknowledged.items()
    return {email for email, user_id in acknowledged if f"{email}|{user_id}" not in stored} | set(ledger.lost())


def kept(ledger: Ledger, server: Server) -> list[Bound]:
    """Say that what was acknowledged is there, and once, of as many writes as there should have been."""
    return [
        Bound("share of the writes that were begun", ledger.outcome.begun_share, at_least=0.95, of_time=True),
        Bound(LOST, len(lost(ledger, server)), at_most=0),
        Bound("writes that happened twice", ledger.outcome.doubled, at_most=0),
        Bound("writes refused", len(ledger.outcome.refused) - ledger.outcome.doubled, at_most=0),
    ]


def told(ledger: Ledger) -> dict[str, int]:
    """What became of the writes."""
    return {"writes_acknowledged": len(ledger.outcome.acknowledged), "writes_unknown": ledger.outcome.unknown}
