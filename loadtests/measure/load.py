import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from loadtests import k6
from loadtests.errors import LoadTestError
from loadtests.measure.answers import AnswerRows, Answers
from loadtests.measure.k6_csv import K6Csv

# k6 writes once a second.
WRITTEN_SECONDS = 2
STOP_SECONDS = 30
K6_CORES = max(1, (os.cpu_count() or 1) // 2)
# k6 on half of the cores, and its garbage collected at four times the heap: 23 % less CPU a request at 400 a second on
# two cores, which what is loaded has instead.
_GENTLE = {"GOMAXPROCS": str(K6_CORES), "GOGC": "400"}
STARTED_SECONDS = 15


@dataclass(frozen=True)
class Request:
    """One kind of request of the mix."""

    path: str = ""
    """`{id}` becomes a number drawn at random, `{unique}` what no other request has; empty: what the load reads."""
    method: str = "GET"
    body: Any = None
    weight: float = 1
    token: str | None = None
    """Bearer token, if another than the load's."""
    name: str = ""
    """In the answers; the path when empty."""
    server_field: str = ""
    """Read which replica answered from this field of the JSON that it answers."""


READ = Request(name="read")


@dataclass(frozen=True)
class Stage:
    """A rate in requests a second, held for so long, or changed evenly to `to_rate`."""

    rate: int
    seconds: float
    to_rate: int | None = None


@dataclass
class Load:
    """k6 at work; once it has stopped, what came of it."""

    process: subprocess.Popen[bytes]
    csv: K6Csv
    log: Path
    timeout_seconds: float
    cpu_seconds: float = 0
    """What k6 took itself, user and system, once it has stopped."""
    ended_at_s: float = 0

    def __post_init__(self) -> None:
        self._rows = AnswerRows()

    def stop(self) -> None:
        """End the load now; what was sent by now still gets its answer, and what is sent meanwhile does not count.

        Does nothing where all stages have ended. k6 itself would forget the requests under way.

        Raises:
            LoadTestError: k6 ended by itself with an error; the message has its log's end.
        """
        if self.ended():
            return
        self._rows.until_s = time.time()
        end = time.monotonic() + self.timeout_seconds + WRITTEN_SECONDS
        while not self.ended() and time.monotonic() < end:
            self._rows.add(self.csv.added())
            if self._rows.is_past_the_end and not self._rows.waiting:
                break
            time.sleep(0.1)
        if not self.ended():
            self.process.send_signal(signal.SIGINT)
        self.join(STOP_SECONDS)

    def join(self, timeout_seconds: float) -> None:
        """Wait until all stages have ended.

        Raises:
            LoadTestError: they have not in time, or k6 ended with an error.
        """
        end = time.monotonic() + timeout_seconds
        while not self.ended():
            if time.monotonic() > end:
                self.process.kill()
                raise LoadTestError(f"k6 did not end within {timeout_seconds} s; see {self.log}")
            time.sleep(0.05)

    def ended(self) -> bool:
        """Tell whether k6 has ended.

        Raises:
            LoadTestError: it has, with an error.
        """
        if self.ended_at_s:
            return True
        pid, status, usage = os.wait4(self.process.pid, os.WNOHANG)
        if not pid:
            return False
        self.ended_at_s = time.time()
        self.cpu_seconds = usage.ru_utime + usage.ru_stime
        self.process.returncode = os.waitstatus_to_exitcode(status)
        # https://github.com/grafana/k6/blob/master/errext/exitcodes/codes.go: 105 is an abort by a signal.
        if self.process.returncode not in {0, 105}:
            end = "\n".join(self.log.read_text(errors="replace").splitlines()[-5:])
            raise LoadTestError(f"k6 ended with status {self.process.returncode}; the end of {self.log}:\n{end}")
        return True

    def answers(self) -> Answers:
        """All so far; once it has ended, requests that never had an answer count among them as failed."""
        self._rows.add(self.csv.added())
        unanswered = self._rows.unanswered(self.ended_at_s) if self.ended_at_s else []
        return Answers([*self._rows.answers, *unanswered])

    @property
    def dropped(self) -> int:
        """Requests that were due but not sent, as all virtual users were waiting: the load was lower than planned."""
        self._rows.add(self.csv.added())
        return self._rows.dropped


@contextmanager
def open_load(  # noqa: PLR0913 - each is a choice of the load, by name
    folder: Path,
    stages: Sequence[Stage],
    *,
    requests: Sequence[Request] = (READ,),
    environment: Mapping[str, str] | None = None,
    keep_alive: bool = True,
    timeout_seconds: int = 10,
    max_vus: int | None = None,
) -> Iterator[Load]:
    """Send requests at the rate of the stages, however they are answered, while the block does something else.

    `environment` is as of `loadtests.environment`: what it lacks is the users API's. Without `keep_alive` each request
    takes a connection of its own. The block begins when the first answer is there, and the load stops with it. `folder`
    gets k6.csv and k6.log.

    Raises:
        LoadTestError: there is no k6, it failed, or nothing was answered nor refused within 15 s.
    """
    folder.mkdir(parents=True, exist_ok=True)
    csv = folder / "k6.csv"
    csv.unlink(missing_ok=True)
    peak = max(max(stage.rate, stage.to_rate or 0) for stage in stages)
    most = max_vus or max(400, 4 * peak)
    variables = {
        **(environment or {}),
        "STAGES": json.dumps([asdict(stage) for stage in stages]),
        "REQUESTS": json.dumps([asdict(request) for request in requests]),
        "KEEP_ALIVE": "1" if keep_alive else "0",
        "TIMEOUT_SECONDS": str(timeout_seconds),
        # All of them from the start: k6 drops a request for which it has to make a user first. 800 take 0.4 s of CPU.
        "VUS": str(most),
    }
    command = k6.command("open", variables, "--quiet", "--no-summary", "--out", f"csv={csv}")
    log = folder / "k6.log"
    with log.open("wb") as file:
        settings = {"K6_CSV_TIME_FORMAT": "unix_micro", **_GENTLE}
        process = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT, env={**os.environ, **settings})
    load = Load(process, K6Csv(csv), log, timeout_seconds)
    try:
        _wait_for_an_answer(load)
        yield load
    finally:
        load.stop()


def _wait_for_an_answer(load: Load) -> None:
    end = time.monotonic() + STARTED_SECONDS
    while not load.answers():
        if load.ended():
            return  # there was too little of it
        if time.monotonic() > end:
            raise LoadTestError(f"k6 had no answer within {STARTED_SECONDS} s; see {load.log}")
        time.sleep(0.1)
