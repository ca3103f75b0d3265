import subprocess
from collections.abc import Mapping
from pathlib import Path

from k8s.client.application import USER
from loadtests import k6
from loadtests.errors import LoadTestError
from loadtests.target import require_answer


def run(script: str, environment: Mapping[str, str], output: Path) -> None:
    """Run one k6 script against BASE_URL and keep its summary as `output`/summary.json.

    Raises:
        LoadTestError: nothing to load, no k6, or a threshold was crossed.
    """
    summary = output / "summary.json"
    command = k6.command(script, environment, "--summary-export", str(summary))
    require_answer(environment["BASE_URL"], environment["TOKEN"], environment.get("READ", USER))
    output.mkdir(parents=True, exist_ok=True)
    summary.unlink(missing_ok=True)
    reason = k6.verdict(subprocess.run(command, check=False).returncode, summary)
    if reason:
        raise LoadTestError(f"{reason}; see {summary}")
