import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.redis_process import RedisProcess
from tests.service_process import ROOT, ServiceProcess

pytestmark = pytest.mark.integration

FOLDER = Path(__file__).parent
CASES = 5000


def _unmeasured() -> dict[str, str]:
    """Without what makes a process measure its coverage: that more than doubles the generator's time."""
    return {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}


def test_schemathesis_finds_nothing(tmp_path: Path, redis: RedisProcess) -> None:
    """5,000 generated requests, all checks on: each answer is as the API's own description has it."""
    command = Path(sys.executable).with_name("schemathesis")
    reports = tmp_path / "reports"
    with ServiceProcess(tmp_path / "log", redis_url=redis.url, rate_limit_enabled=False) as service:
        completed = subprocess.run(
            [
                *(shutil.which(command) or command, "--config-file", FOLDER / "schemathesis.toml"),
                *("run", f"http://127.0.0.1:{service.port}/openapi.json", "--checks", "all", "--seed", "1"),
                *("--max-examples", "1200", "--suppress-health-check", "all", "--no-color"),
                *("--report", "json", "--report-dir", reports),
            ],
            cwd=tmp_path,
            env={**_unmeasured(), "PYTHONPATH": str(ROOT), "SCHEMATHESIS_HOOKS": "tests.fuzz.schemathesis_hooks"},
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
    report = json.loads(next(reports.glob("*.json")).read_text())
    assert completed.returncode == 0, completed.stdout
    assert report["test_cases"]["with_failures"] == 0
    assert report["test_cases"]["generated"] >= CASES
    assert report["phases"]["stateful"]["status"] == "success"
