import json
import subprocess
from pathlib import Path

import pytest

from loadtests import k6
from loadtests.errors import LoadTestError


def test_scripts_are_those_with_options() -> None:
    """What only others import is no script."""
    assert k6.scripts() == ["basic", "burn", "open", "ramp", "stress", "write"]


def test_names_below_localhost_are_this_host() -> None:
    """Each script finds the local Ingress by any host of its own, which a name server would not."""
    for script in k6.scripts():
        program, _, *arguments, path = k6.command(script, {})
        inspected = subprocess.run(
            [program, "inspect", *arguments[2:], path], capture_output=True, check=True, timeout=60
        )
        assert json.loads(inspected.stdout)["hosts"] == {"*.localhost": "127.0.0.1"}, script


def test_command_hands_variables_to_the_script() -> None:
    """Variables and further arguments stand before the script's path."""
    command = k6.command("ramp", {"RATE_PEAK": "50"}, "--quiet")
    assert command[1:-1] == ["run", "--address", "", "--env", "RATE_PEAK=50", "--quiet"]
    assert command[-1].endswith("loadtests/k6/ramp.js")


def test_unknown_script_is_refused() -> None:
    """The error names the scripts there are."""
    with pytest.raises(LoadTestError, match="choose basic, burn, open, ramp, stress, write"):
        k6.command("lib", {})


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (0, None),
        (99, "k6: a threshold was crossed: http_req_duration p(95)<500"),
        (107, "k6 ended with status 107"),
    ],
)
def test_verdict_of_an_exit_status(tmp_path: Path, status: int, reason: str | None) -> None:
    """Only 0 is good; 99 stands for thresholds, and those that were crossed are named."""
    duration = {"p(95)": 812.0, "thresholds": {"p(95)<500": True, "avg<1000": False}}
    summary = tmp_path / "summary.json"
    summary.write_text(json.dumps({"metrics": {"http_req_duration": duration, "iterations": {"count": 1}}}))
    assert k6.verdict(status, summary) == reason


def test_a_crossed_threshold_without_a_summary_points_to_the_output(tmp_path: Path) -> None:
    """Where k6 could not write its summary, its own output is all there is."""
    assert k6.verdict(99, tmp_path / "none.json") == "k6: a threshold was crossed: see its output"
