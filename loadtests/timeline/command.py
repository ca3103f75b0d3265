import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from loadtests import k6
from loadtests.errors import LoadTestError
from loadtests.target import require_answer
from loadtests.timeline.cluster import Cluster
from loadtests.timeline.k6_output import K6Output
from loadtests.timeline.plot import plot
from loadtests.timeline.recorder import Recorder
from loadtests.timeline.sample import write_csv
from loadtests.timeline.table import HEADER, table
from loadtests.timeline.verdict import reasons_to_fail

# Scaling down waits out its stabilisation window, then goes in steps.
RETURN_SECONDS = 360


def timeline(cluster: Cluster, environment: Mapping[str, str], output: Path) -> None:
    """Ramp the load, record how the replicas follow, and write timeline.csv and timeline.png to `output`.

    Raises:
        LoadTestError: nothing to load, k6 failed, or the replicas did not follow and come back.
        ClusterError: nothing to observe.
    """
    output.mkdir(parents=True, exist_ok=True)
    measured = output / "k6.csv"
    measured.unlink(missing_ok=True)
    summary = output / "summary.json"
    summary.unlink(missing_ok=True)
    command = k6.command("ramp", environment, "--quiet", "--out", f"csv={measured}", "--summary-export", str(summary))
    require_answer(environment["BASE_URL"], environment["TOKEN"])
    recorder = Recorder(cluster, K6Output(measured))
    recorder.wait_for_minimum(RETURN_SECONDS)
    sys.stdout.write(HEADER + "\n")
    exit_status = _record_under_load(command, recorder, output / "k6.log")
    _report(recorder, exit_status, output)


def _record_under_load(command: list[str], recorder: Recorder, log: Path) -> int:
    with log.open("wb") as file, subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT) as load:
        try:
            recorder.record(load, RETURN_SECONDS)
        finally:
            load.terminate()  # on an error only: else it has ended
    return load.returncode


def _report(recorder: Recorder, exit_status: int, output: Path) -> None:
    samples = recorder.samples()
    if not samples:
        raise LoadTestError(f"nothing was recorded; see {output / 'k6.log'}")
    write_csv(samples, output / "timeline.csv")
    loaded = [sample.time_s for sample in samples if sample.p95_ms is not None]
    plot(samples, output / "timeline.png", load_ended_s=max(loaded, default=None))
    sys.stdout.write(f"\n{table(samples)}\n\nwritten: {output / 'timeline.csv'}, {output / 'timeline.png'}\n")
    reasons = reasons_to_fail(samples, recorder.moments[0].seen.minimum)
    if (reason := k6.verdict(exit_status, output / "summary.json")) is not None:
        reasons.append(f"{reason}: see {output / 'k6.log'}")
    if reasons:
        raise LoadTestError("; ".join(reasons))
