import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loadtests import k6

BASE_URL = os.environ.get("BASE_URL", "http://localhost:8080")
HEADERS = {"authorization": "Bearer test-token"}


@dataclass
class Load:
    """k6 at work; its counts are there once it has stopped."""

    process: subprocess.Popen[bytes]
    summary: Path

    def stop(self) -> None:
        """Tell k6 to end; requests under way still get their answers."""
        self.process.send_signal(signal.SIGINT)
        self.process.wait(timeout=60)

    def counts(self) -> tuple[int, int]:
        """Requests made and requests failed."""
        metrics: dict[str, Any] = json.loads(self.summary.read_text())["metrics"]
        return metrics["http_reqs"]["count"], metrics["http_req_failed"]["passes"]


@contextmanager
def load(script: str, folder: Path, **variables: int) -> Iterator[Load]:
    """Run a k6 script against the Ingress while the block does something else."""
    summary = folder / "summary.json"
    environment = {"BASE_URL": BASE_URL, **{name: str(value) for name, value in variables.items()}}
    command = k6.command(script, environment, "--quiet", "--summary-export", str(summary))
    with (folder / "k6.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        running = Load(process, summary)
        try:
            yield running
        finally:
            if process.poll() is None:
                running.stop()


def constant_rate(folder: Path, requests_per_second: int) -> Any:  # noqa: ANN401 - a context manager of Load
    """Read users at a constant rate, ten minutes at most."""
    return load(
        "ramp", folder, RATE_START=requests_per_second, RATE_PEAK=requests_per_second, HOLD_SECONDS=600, BASE_SECONDS=1
    )
