import subprocess
import sys

import pytest

from service.credentials.__main__ import EX_USAGE, main
from service.credentials.api_server import ApiServer
from tests.unit.credentials.conftest import ApiDouble

Double = tuple[ApiDouble, ApiServer]
PLAN = '{"passwords": [{"secret": "redis", "keys": ["password"]}]}'


def test_it_says_what_it_made(double: Double, capsys: pytest.CaptureFixture[str]) -> None:
    """A line for each Secret, and none of what is in it."""
    assert main([PLAN], double[1]) == 0
    assert capsys.readouterr().out == "Secret redis: made password\n"


@pytest.mark.parametrize("arguments", [[], [PLAN, PLAN]])
def test_it_says_how_it_is_called(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Without a plan, or with two, it tells its usage."""
    assert main(arguments) == EX_USAGE
    assert "python -m service.credentials" in capsys.readouterr().err


def test_a_plan_that_is_none_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """A misspelt or missing part is named."""
    assert main(['{"password": "a"}']) == EX_USAGE
    said = capsys.readouterr().err
    assert "password" in said


def test_a_refusal_fails_the_job(double: Double, capsys: pytest.CaptureFixture[str]) -> None:
    """What the API server refuses ends with status 1 and its words."""
    double[0].failures = [403]
    assert main([PLAN], double[1]) == 1
    assert capsys.readouterr().err.startswith("error: cannot read secrets/redis: 403")


@pytest.mark.measured
def test_outside_a_cluster_it_says_what_is_missing() -> None:
    """Without a mounted account it ends with status 1 and names the file."""
    done = subprocess.run(
        [sys.executable, "-m", "service.credentials", PLAN], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "serviceaccount/namespace" in done.stderr
