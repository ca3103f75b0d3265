import math
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from k8s.client.application import USER, USERS_API, Application
from k8s.client.prometheus import Prometheus
from k8s.client.recorder import PERIOD_SECONDS, ReleaseRecorder
from k8s.client.release import Release
from loadtests import k6
from loadtests.errors import LoadTestError
from loadtests.ramp import Ramp, ramp_for
from loadtests.target import require_answer
from loadtests.timeline.k6_output import K6Output
from loadtests.timeline.plot import plot
from loadtests.timeline.record import Record
from loadtests.timeline.sample import Sample, write_csv
from loadtests.timeline.table import HEADER, row, table
from loadtests.timeline.verdict import reasons_to_fail

# Scaling down waits out its stabilisation window, then goes in steps.
RETURN_SECONDS = 360
LINE_EVERY = 5
# What the script is told of the load: requests a second, and clients.
OFFERED = START, PEAK, CLIENTS, MOST_CLIENTS = ("RATE_START", "RATE_PEAK", "VUS", "MAX_VUS")
# A busy two-core host may leave the API server without an answer for a while.
SILENT_SECONDS = 30


@dataclass(frozen=True)
class Timeline:
    """How the replicas followed the ramp, second by second."""

    ramp: Ramp
    samples: Sequence[Sample]
    reasons: Sequence[str]
    """In what the replicas or the answers were not as they should be; empty: in nothing."""


def timeline(
    release: Release,
    prometheus: Prometheus,
    environment: Mapping[str, str],
    output: Path,
    application: Application = USERS_API,
) -> Timeline:
    """Ramp the load, record how the replicas follow, and write timeline.csv and timeline.png to `output`.

    It rises so high that the autoscaler must follow, unless the environment says how high (RATE_PEAK). Without a
    counter of requests in `application` there is no rate beside the replicas.

    Raises:
        LoadTestError: nothing to load, no load that asks for more replicas, or nothing was recorded.
        ClusterError: nothing to observe, more replicas than the fewest before the load, or no answer for half a minute.
    """
    output.mkdir(parents=True, exist_ok=True)
    measured, summary, log = output / "k6.csv", output / "summary.json", output / "k6.log"
    for old in (measured, summary):
        old.unlink(missing_ok=True)
    require_answer(environment["BASE_URL"], environment["TOKEN"], environment.get("READ", USER))
    ramp = ramp_for(release.autoscaler(), _peak(environment))
    environment = _offering(ramp) | {name: value for name, value in environment.items() if value}
    command = k6.command("ramp", environment, "--quiet", "--out", f"csv={measured}", "--summary-export", str(summary))
    release.wait_for_minimum(RETURN_SECONDS)
    if lacking := application.lacks("metrics.requests"):
        sys.stdout.write(f"req/s {lacking}\n")
    sys.stdout.write(HEADER + "\n")
    recorder = ReleaseRecorder(release)
    counter = application.metrics.requests
    record = Record(recorder.moments, K6Output(measured), prometheus, counter and f"{counter}{{{release.series}}}")
    with recorder.recording(), _running(command, log) as load:
        _follow(record, load, release, ramp.minimum)
    samples = record.samples()
    if not samples:
        raise LoadTestError(f"nothing was recorded; see {log}")
    _write(samples, output)
    reasons = reasons_to_fail(samples, ramp)
    if (reason := k6.verdict(load.returncode, summary)) is not None:
        reasons.append(f"{reason}: see {log}")
    return Timeline(ramp, samples, reasons)


def _peak(environment: Mapping[str, str]) -> int | None:
    given = environment.get(PEAK)
    if given and not (given.isdecimal() and int(given)):
        raise LoadTestError(f"{PEAK} is {given!r}: set it to the most requests a second, a whole number above 0")
    return int(given) if given else None


def _offering(ramp: Ramp) -> dict[str, str]:
    """Variables of the script. Users for a standstill of a second: further ones are made under load, late."""
    users, most = max(300, ramp.peak), max(400, 2 * ramp.peak)
    return {PEAK: str(ramp.peak), START: str(ramp.start), CLIENTS: str(users), MOST_CLIENTS: str(most)}


@contextmanager
def _running(command: list[str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as file, subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT) as load:
        try:
            yield load
        finally:
            load.terminate()  # on an error only: else it has ended


def _follow(record: Record, load: subprocess.Popen[bytes], release: Release, minimum: int) -> None:
    """Print what is seen until the load has ended and the replicas are back at their minimum, or do not come back."""
    ended_at = math.inf
    for second in count():
        time.sleep(PERIOD_SECONDS)
        if second % LINE_EVERY == 0 and (sample := record.newest()) is not None:
            sys.stdout.write(row(sample) + "\n")
            sys.stdout.flush()
        if load.poll() is not None:
            ended_at = min(ended_at, time.monotonic())
            if record.is_level(minimum) or time.monotonic() - ended_at > RETURN_SECONDS:
                return
        if record.silent_seconds() > SILENT_SECONDS:
            release.autoscaler()  # its error says why the cluster does not answer


def _write(samples: Sequence[Sample], output: Path) -> None:
    files = output / "timeline.csv", output / "timeline.png"
    write_csv(samples, files[0])
    loaded = [sample.time_s for sample in samples if sample.p95_ms is not None]
    plot(samples, files[1], load_ended_s=max(loaded, default=None))
    sys.stdout.write(f"\n{table(samples)}\n\nwritten: {files[0]}, {files[1]}\n")
