import asyncio
import csv
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from loadtests.assess.installation import Installation
from loadtests.assess.journal import say
from loadtests.assess.latency import Latency
from loadtests.assess.limiter import POLICY
from loadtests.assess.looks import Looks
from loadtests.assess.plan import Plan
from loadtests.assess.writer import CHANGE, CREATE, Record, Writer
from loadtests.errors import LoadTestError
from loadtests.measure import Answer, Answers
from loadtests.users import PATH


@dataclass(frozen=True)
class Writes:
    """What writing takes, and what reads show after it."""

    created: Latency
    changed: Latency
    both: Latency
    reasons: dict[str, int]
    """How often each status or error was the end of a failed write."""
    own: Looks
    """By who wrote, at once."""
    others: Looks
    """At once and later."""
    by_another_client: bool
    """Whether the others are reads of another client: lists of who wrote never come from a replica of the database."""
    left: tuple[str, ...]
    """Addresses of users that could not be deleted."""

    @classmethod
    def of(cls, record: Record, *, by_another_client: bool) -> "Writes":
        """Take the figures.

        Raises:
            LoadTestError: no user was created.
        """
        writes = Answers(record.writes)
        created = writes.where(lambda answer: answer.name == CREATE)
        if len(created) == len(created.failed):
            reasons = ", ".join(f"{count} x {reason}" for reason, count in created.reasons().items())
            raise LoadTestError(
                f"no user could be created ({reasons or 'none was tried'}): TOKEN must be one that may write"
            )
        return cls(
            Latency.of(created),
            Latency.of(writes.where(lambda answer: answer.name == CHANGE)),
            Latency.of(writes),
            writes.reasons(),
            Looks.of(look for look in record.looks if look.by_writer),
            Looks.of(look for look in record.looks if not look.by_writer),
            by_another_client,
            tuple(sorted(record.left)),
        )


def measure_writes(installation: Installation, plan: Plan, folder: Path) -> Writes:
    """Create, change, read and delete users of its own.

    Raises:
        LoadTestError: nothing answers, or no user could be created.
    """
    other = _other_token(installation, plan.pace.other_reads_per_second)
    writer = Writer(installation.base_url, installation.token, other, plan.pace)
    asyncio.run(writer.write(plan.written_users))
    _keep(writer.record, folder)
    found = Writes.of(writer.record, by_another_client=other != installation.token)
    if found.left:
        say(f"  not deleted: {', '.join(found.left)}")
    return found


def _other_token(installation: Installation, reads_per_second: float) -> str:
    """Find who reads beside the writer: the client with a limit of its own, if that is enough, or else the writer."""
    status, headers, _ = installation.get(f"{PATH}?limit=1", installation.limited_token)
    policy = POLICY.search(headers.get("ratelimit-policy", ""))
    enough = policy is None or int(policy[1]) / float(policy[2]) >= reads_per_second
    return installation.limited_token if status == HTTPStatus.OK and enough else installation.token


def _keep(record: Record, folder: Path) -> None:
    """Write each request to a file of its own, as k6 does."""
    rows: list[tuple[Answer, str, float | None, bool | None]]
    rows = [(each, "writer", None, None) for each in record.writes]
    rows += [
        (look.answer, "writer" if look.by_writer else "other", look.age_seconds, look.fresh) for look in record.looks
    ]
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "writes.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("at_s", "request", "by", "after_write_s", "duration_ms", "status", "error", "has_write"))
        for answer, by, age, fresh in sorted(rows, key=lambda row: row[0].at_s):
            has_write = None if fresh is None else int(fresh)
            writer.writerow(
                (answer.at_s, answer.name, by, age, answer.duration_ms, answer.status, answer.error, has_write)
            )
