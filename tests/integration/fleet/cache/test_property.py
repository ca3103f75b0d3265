import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, ClassVar, NamedTuple

import pytest

from service.dev.postgres import folder
from service.fleet.cache.versions import KEPT_SECONDS
from tests.integration.fleet.cache import writes_and_reads
from tests.integration.fleet.cache.writes_and_reads import forget_versions, hear_late, wait_for_nobody
from tests.postgres_process import PostgresProcess
from tests.redis_process import RedisProcess
from tests.sabotage import patched, sabotage

pytestmark = pytest.mark.integration

BOUND_SECONDS = 3.0  # docs/consistency.md
LAG = "recovery_min_apply_delay=500ms"
WRITE_SECONDS = 1.0
REST_SECONDS = BOUND_SECONDS + 0.4  # long enough for what stays too old to be read


class Write(NamedTuple):
    """A write, by which process, and whether it left a value."""

    began: float
    ended: float
    key: int
    version: int
    is_there: bool
    process: int


class Read(NamedTuple):
    """A read, and by which process; version 0: there was none."""

    began: float
    ended: float
    key: int
    version: int
    process: int


class Servers(NamedTuple):
    """A primary, and a replica that lags half a second."""

    primary: PostgresProcess
    replica: PostgresProcess


@pytest.fixture(scope="module")
def servers() -> Iterator[Servers]:
    """Start a PostgreSQL and its replica."""
    with folder() as place:
        primary = PostgresProcess(place)
        primary.create()
        primary.start()
        replica = None
        try:
            primary.sql("CREATE TABLE things (id int PRIMARY KEY, version bigint NOT NULL)")
            replica = primary.replica(LAG)
            replica.start()
            yield Servers(primary, replica)
        finally:
            if replica is not None:
                replica.stop()
            primary.stop()


class Process:
    """One of the two, with four writers and eight readers."""

    broken_by: ClassVar[Callable[[], None] | None] = None
    """A change of what the test is about."""

    def __init__(self, redis: RedisProcess, servers: Servers, report: Path, *changes: Callable[[], None]) -> None:
        self._report = report
        urls = (redis.url, servers.primary.url(), servers.replica.url())
        broken = () if Process.broken_by is None else (Process.broken_by,)
        names = " ".join(change.__name__ for change in (*changes, *broken))
        self._popen = subprocess.Popen(
            [sys.executable, "-m", writes_and_reads.__name__, *urls, str(report), names],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def wait_until_ready(self) -> None:
        """Wait until it reads."""
        assert self._popen.stdout is not None
        if self._popen.stdout.readline() != "ready\n":
            raise RuntimeError("a process did not begin to read")

    def tell(self, command: str) -> None:
        """Have it write, or rest."""
        self._stdin.write(f"{command}\n")
        self._stdin.flush()

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self._popen.send_signal(number)

    def report(self) -> dict[str, list[list[float]]]:
        """End it, and return what it did."""
        self._stdin.close()
        if status := self._popen.wait(60):
            raise RuntimeError(f"a process ended with status {status}")
        done: dict[str, list[list[float]]] = json.loads(self._report.read_text())
        return done

    def kill(self) -> None:
        """End it if it has not ended."""
        self._popen.kill()
        self._popen.wait()
        if self._popen.stdout is not None:
            self._popen.stdout.close()

    @property
    def _stdin(self) -> IO[str]:
        assert self._popen.stdin is not None
        return self._popen.stdin


def stale(writes: list[Write], reads: list[Read], bound_seconds: float = BOUND_SECONDS) -> list[str]:
    """The reads that show something older than they may: than what was known by then, or written by their process."""
    found = []
    by_key = {write.key: [other for other in writes if other.key == write.key] for write in writes}
    for read in reads:
        of_key = by_key.get(read.key, [])
        own = [write for write in of_key if write.process == read.process]
        for bound, some in ((bound_seconds, of_key), (0.0, own)):
            known = max((w for w in some if w.ended < read.began - bound), key=lambda w: w.version, default=None)
            if known is None or read.version >= known.version:
                continue
            if read.version == 0 and (not known.is_there or _was_deleted_since(known, read, of_key)):
                continue
            age = read.began - known.ended
            found.append(f"{read} shows what {known} replaced {age:.1f} s before, allowed {bound:.0f} s")
    return found


def _was_deleted_since(known: Write, read: Read, writes: list[Write]) -> bool:
    return any(not w.is_there and w.version > known.version and w.began < read.ended for w in writes)


Fault = Callable[[RedisProcess, list[Process]], None]


def healthy(_: RedisProcess, __: list[Process]) -> None:
    """Leave all as it is."""
    time.sleep(WRITE_SECONDS)


def killed(redis: RedisProcess, _: list[Process]) -> None:
    """Kill Redis amid writes, and start it anew, empty, amid others."""
    time.sleep(WRITE_SECONDS / 3)
    redis.kill()
    time.sleep(WRITE_SECONDS)
    redis.start()
    time.sleep(WRITE_SECONDS / 3)


def frozen(redis: RedisProcess, _: list[Process]) -> None:
    """Freeze Redis amid writes for long enough to be given up, and let it go on, with all that it held."""
    time.sleep(WRITE_SECONDS / 3)
    redis.blackhole()
    time.sleep(2 * WRITE_SECONDS)
    redis.resume()


def paused(_: RedisProcess, processes: list[Process]) -> None:
    """Stop one process amid its reads and writes for longer than it may keep what it has read."""
    processes[0].signal(signal.SIGSTOP)
    time.sleep(KEPT_SECONDS + 0.2)
    processes[0].signal(signal.SIGCONT)


def run(
    redis: RedisProcess, servers: Servers, place: Path, faults: list[Fault], *changes: Callable[[], None]
) -> tuple[list[Write], list[Read]]:
    """Have two processes write through each fault, then only read for longer than the bound."""
    processes = [Process(redis, servers, place / f"{number}.json", *changes) for number in range(2)]
    try:
        for process in processes:
            process.wait_until_ready()
        for fault in faults:
            for process in processes:
                process.tell("write")
            fault(redis, processes)
            for process in processes:
                process.tell("rest")
            time.sleep(REST_SECONDS)
        reports = [process.report() for process in processes]
    finally:
        for process in processes:
            process.kill()
    writes = [Write(*write, process) for process, report in enumerate(reports) for write in report["writes"]]  # type: ignore[arg-type, call-arg]
    reads = [Read(*read, process) for process, report in enumerate(reports) for read in report["reads"]]  # type: ignore[arg-type, call-arg]
    return writes, reads


@sabotage(
    "nobody compares versions, and a deletion leaves nothing behind", patched((Process, "broken_by", forget_versions))
)
def test_no_read_is_older_than_the_bound(
    redis: RedisProcess, servers: Servers, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Whatever becomes of Redis, own writes are seen at once, and the other process's within the bound."""
    rounds = request.config.getoption("--property-rounds")
    writes, reads = run(redis, servers, tmp_path, [healthy, paused, killed, frozen] * rounds)
    assert len(writes) > 20
    assert len(reads) > 1000
    assert stale(writes, reads) == []


@sabotage("a write is acknowledged as soon as Redis was told", patched((Process, "broken_by", wait_for_nobody)))
def test_while_redis_is_well_a_read_shows_what_was_acknowledged(
    redis: RedisProcess, servers: Servers, tmp_path: Path
) -> None:
    """Whichever process wrote, whichever is asked, and though each hears of writes late."""
    writes, reads = run(redis, servers, tmp_path, [healthy], hear_late)
    assert len({write.process for write in writes}) == len({read.process for read in reads}) == 2
    assert stale(writes, reads, bound_seconds=0.0) == []
