import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from loadtests.bench.cores import pinned
from loadtests.errors import LoadTestError

CONNECTIONS = 32
_REPORT = Path(__file__).with_name("report.lua")


@dataclass(frozen=True)
class Measurement:
    """What wrk saw of one server in one turn."""

    requests: int
    duration_seconds: float
    p50_ms: float
    p99_ms: float
    failed: int

    @property
    def requests_per_second(self) -> float:
        """Answers a second, failed ones included: check `failed`."""
        return self.requests / self.duration_seconds


def parse(output: str) -> Measurement:
    """Read the line of JSON that report.lua writes after wrk's own text.

    Raises:
        LoadTestError: wrk was ended before it wrote it.
    """
    line = next((line for line in output.splitlines() if line.startswith("{")), None)
    if line is None:
        raise LoadTestError(f"wrk ended without figures: {output.strip()[-300:]}")
    return Measurement(**json.loads(line))


def load(url: str, core: int, seconds: int, ids: int | None = None, after: int = 0) -> Measurement:
    """Load one URL with 32 connections from one core.

    Args:
        url: what to ask for.
        core: where wrk runs.
        seconds: for how long.
        ids: ask for /api/users/1 to this, in turn, instead.
        after: which of them to begin after.

    Raises:
        LoadTestError: wrk is missing or a request failed, which would make the rate mean something else.
    """
    if not shutil.which("wrk"):
        raise LoadTestError("wrk is missing: `apt-get install wrk` (or `brew install wrk`)")
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "-s", str(_REPORT)]
    command += ["-H", "Authorization: Bearer test-token", url]
    if ids:
        command += ["--", str(ids), str(after % ids)]
    ended = subprocess.run(pinned(command, core), capture_output=True, text=True, check=False)
    measurement = parse(ended.stdout + ended.stderr)
    if measurement.failed:
        raise LoadTestError(f"{url}: {measurement.failed} of {measurement.requests} requests failed")
    return measurement
