import sys

import pytest

from loadtests.screenshots.__main__ import main


def test_unknown_picture_is_a_usage_error(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is made, and what there is to choose of is named."""
    monkeypatch.setattr(sys, "argv", ["screenshots", "elsewhere"])
    with pytest.raises(SystemExit, match="2"):
        main()
    assert "no picture is named elsewhere: choose of watch, report, " in capsys.readouterr().err


def test_nothing_to_look_at_ends_with_status_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a service there is one line that says how to get one."""
    monkeypatch.setenv("BASE_URL", "http://127.0.0.1:9")
    monkeypatch.setattr(sys, "argv", ["screenshots", "watch"])
    assert main() == 1
    assert "error: no service answers at http://127.0.0.1:9" in capsys.readouterr().err
