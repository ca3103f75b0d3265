import math
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from k8s.client.waiting import seconds_until
from loadtests.chaos.verdict import Bound
from tests.chaos.experiment import Experiment, Extent, Run, Start
from tests.chaos.images import REPOSITORY, build_with_revisions
from tests.chaos.postgresql import owner_job
from tests.chaos.postgresql.own_database import remove, seed
from tests.chaos.postgresql.values import VALUES
from tests.chaos.traffic import MIX, RATE
from tests.e2e.helm import CONTEXT
from tests.e2e.postgres_server import primary, psql
from tests.e2e.release import Release

pytestmark = [pytest.mark.chaos, pytest.mark.full]

REVISIONS = Path(__file__).parent / "revisions"
ROWS = Extent(1_000_000, short=100_000)
REQUESTS = Extent(30_000, short=4_000)
BEFORE_SECONDS = Extent(30, short=10)
READER_SECONDS = Extent(60, short=15)
MIGRATED_SECONDS = 300
P99_TIMES = 2
JOB = "migrate-large-table"

LARGE_TABLE = Experiment(
    number=19,
    name="migration",
    promise="a column, its backfill and its index on 1,000,000 rows at 200 requests/s, while a report reads the table "
    "for 60 s: 0 failed of 30,000, p99 at most twice as long",
    sabotage="the migration waits for its locks as long as it takes",
    values=VALUES,
)


@pytest.fixture(autouse=True)
def _own_database(installed: Release) -> Iterator[None]:
    """Leave no million rows to others, nor columns."""
    remove(installed)
    yield
    remove(installed)


@pytest.mark.timeout(1800)
def test_migration_of_a_large_table(start: Start, tmp_path: Path) -> None:
    """A migration under load, and behind a report that takes a minute, holds nobody up."""
    run = start(LARGE_TABLE)
    seed(run.release, run.of(ROWS))
    image = f"{REPOSITORY}:{build_with_revisions(tmp_path, _revisions(is_patient=run.sabotaged))}"
    requests, rate = run.of(REQUESTS), run.of(RATE)
    with run.load(rate, requests=MIX, users=run.of(ROWS)):
        started = time.monotonic()
        time.sleep(run.of(BEFORE_SECONDS))
        began = run.mark("a report and the migration")
        with _report(run):
            owner_job.begin(run.release, JOB, "python", "-m", "service.migrate", image=image)
            took = seconds_until(lambda: owner_job.has_ended(run.release, JOB), MIGRATED_SECONDS)
        ended = run.mark("migrated")
        time.sleep(max(2.0, requests * 1.01 / rate - (time.monotonic() - started)))
    p99_before = run.answers.between(0, began).percentile_ms(0.99)
    p99_meanwhile = run.answers.between(began, ended).percentile_ms(0.99)
    run.conclude(
        *run.failed_within(0),
        Bound("requests", len(run.answers), at_least=requests),
        Bound("migrated within, s", took, at_most=MIGRATED_SECONDS),
        Bound("rows with what was filled in", _filled_in(run.release), at_least=run.of(ROWS)),
        Bound("p99 is longer by", p99_meanwhile / p99_before, at_most=P99_TIMES, of_time=True),
        p99_before_ms=p99_before,
        p99_meanwhile_ms=p99_meanwhile,
    )


def _revisions(*, is_patient: bool) -> dict[str, str]:
    """What the next version of the service brings; `is_patient`: without the limit of its waits for locks."""
    texts = {path.name: path.read_text(encoding="utf-8") for path in sorted(REVISIONS.glob("*.py"))}
    if is_patient:
        name = next(iter(texts))
        before = "    op.execute("
        assert before in texts[name]
        texts[name] = texts[name].replace(before, f'    op.execute("SET lock_timeout = 0")\n{before}', 1)
    return texts


@contextmanager
def _report(run: Run) -> Iterator[None]:
    """Have somebody read the table in one long transaction, which begins before the block does."""
    server = primary(run.release)
    sleep = f"SELECT pg_sleep({run.of(READER_SECONDS)})"
    statement = f"BEGIN; SELECT count(*) FROM users; {sleep}; COMMIT"  # noqa: S608 - a number
    namespace = f"--namespace={run.release.namespace}"
    command = ("kubectl", "--context", CONTEXT, namespace, *server.execution(*psql(statement)))
    reader = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        sleeping = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
        assert math.isfinite(seconds_until(lambda: server.sql(sleeping) == "1", 60)), "nobody reads"
        yield
    finally:
        reader.terminate()
        reader.wait(30)


def _filled_in(release: Release) -> int:
    """How many rows have what the migration fills in; none if its index is not there, and valid."""
    server = primary(release)
    if server.sql("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('users_nickname')") != "t":
        return 0
    return int(server.sql("SELECT count(nickname) FROM users"))
