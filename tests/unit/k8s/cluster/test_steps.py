import json
from pathlib import Path

import pytest

from k8s.cluster.steps import StepError, Steps


def test_each_step_is_kept_with_its_time(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A step's name and seconds are printed and stand in steps.json."""
    steps = Steps(tmp_path)
    assert steps.run("count", lambda: 3, about="1 s") == 3
    kept = json.loads((tmp_path / "steps.json").read_text(encoding="utf-8"))
    assert [(step["name"], step["failed"]) for step in kept["steps"]] == [("count", False)]
    assert kept["total_s"] >= kept["steps"][0]["seconds"]
    assert "> count (about 1 s)" in capsys.readouterr().out


def test_a_failed_step_is_kept_too(tmp_path: Path) -> None:
    """A step that raises is marked as failed, and its error goes on."""
    steps = Steps(tmp_path)
    with pytest.raises(ZeroDivisionError):
        steps.run("divide", lambda: 1 / 0)
    assert json.loads((tmp_path / "steps.json").read_text(encoding="utf-8"))["steps"][0]["failed"] is True


def test_a_failed_command_shows_the_end_of_its_output_and_its_log(tmp_path: Path) -> None:
    """The error holds the last lines and names the file with all of them."""
    steps = Steps(tmp_path)
    with pytest.raises(StepError, match="exit status 3") as raised:
        steps.command("shell", ["sh", "-c", "echo out of space; exit 3"])
    assert "out of space" in str(raised.value)
    assert "out of space" in (tmp_path / "logs" / "shell.log").read_text(encoding="utf-8")
