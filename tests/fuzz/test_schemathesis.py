import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.postgres_process import started
from tests.redis_process import RedisProcess
from tests.schema import expanding_sql
from tests.service_process import ROOT, ServiceProcess

pytestmark = pytest.mark.integration

FOLDER = Path(__file__).parent
# Users in PostgreSQL have most of the cases; those made up in the process are the development's.
SHARES = {"postgres": 0.8, "in-process": 0.2}
EXAMPLES_PER_CASE = 0.24
"""A little more than it takes: each example is asked of one operation or another, and some phases add their own."""


@pytest.fixture(params=list(SHARES))
def database_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """Address of a database with our schema, or of none."""
    if request.param == "in-process":
        yield ""
        return
    with started() as process:
        process.sql(expanding_sql())
        yield process.url()


@pytest.mark.timeout(1800)  # four minutes for most of the cases, on a machine that does nothing else
def test_schemathesis_finds_nothing(
    tmp_path: Path, redis: RedisProcess, database_url: str, request: pytest.FixtureRequest
) -> None:
    """Generated requests to both kinds, all checks on: each answer is as the API's own description has it."""
    cases = request.config.getoption("--cases") * SHARES["postgres" if database_url else "in-process"]
    examples = round(cases * EXAMPLES_PER_CASE)
    command = Path(sys.executable).with_name("schemathesis")
    reports = tmp_path / "reports"
    settings = {"redis_url": redis.url, "database_url": database_url, "rate_limit_enabled": False}
    with ServiceProcess(tmp_path / "log", **settings) as service:
        completed = subprocess.run(
            [
                *(shutil.which(command) or command, "--config-file", FOLDER / "schemathesis.toml"),
                *("run", f"http://127.0.0.1:{service.port}/openapi.json", "--checks", "all", "--seed", "1"),
                *("--max-examples", str(examples), "--suppress-health-check", "all", "--no-color"),
                *("--report", "json", "--report-dir", reports, "--generation-database", "none"),
            ],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT), "SCHEMATHESIS_HOOKS": "tests.fuzz.schemathesis_hooks"},
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
    report = json.loads(next(reports.glob("*.json")).read_text())
    assert completed.returncode == 0, completed.stdout
    assert report["test_cases"]["with_failures"] == 0
    assert report["test_cases"]["generated"] >= cases
    assert report["phases"]["stateful"]["status"] == "success"
