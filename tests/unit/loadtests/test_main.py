import sys
from pathlib import Path
from typing import cast

import pytest

from loadtests import __main__ as command_line
from loadtests.__main__ import main
from loadtests.ramp import Ramp
from loadtests.timeline import Timeline


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, str]]:
    """The environment that each run of k6 would get."""
    seen: list[dict[str, str]] = []
    monkeypatch.setattr(command_line, "run", lambda _script, environment, _output: seen.append(environment))
    return seen


@pytest.mark.parametrize("words", [["VUS=5", "--output", "x"], ["--output", "x", "VUS=5"]], ids=["before", "after"])
def test_variables_stand_before_or_after_the_options(
    given: list[dict[str, str]], monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    """A script's variables are found on either side."""
    monkeypatch.setattr(sys, "argv", ["loadtests", "run", "basic", *words])
    assert main() == 0
    assert given[0]["VUS"] == "5"


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--output", "x", "--vus=5"], "unrecognized arguments: --vus=5"),
        (["--output", "x", "more"], "more"),  # an argument too many, and from Python 3.13 on no variable
        (["--output", "x", "VU S=5"], "write NAME=VALUE"),
        (["5=VUS"], "write NAME=VALUE"),
    ],
)
def test_what_is_no_variable_is_refused(
    given: list[dict[str, str]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    reason: str,
) -> None:
    """A misspelt option is not handed to the script."""
    monkeypatch.setattr(sys, "argv", ["loadtests", "run", "basic", *words])
    with pytest.raises(SystemExit):
        main()
    assert reason in capsys.readouterr().err
    assert given == []


def test_how_high_a_ramp_rises_is_said_in_the_environment_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """As `make timeline RATE_PEAK=500` does it; what stands in the command itself counts more."""
    seen: list[dict[str, str]] = []

    def ramp(*arguments: object) -> Timeline:
        seen.append(cast("dict[str, str]", arguments[2]))
        return Timeline(Ramp(500, 2, 3), (), ())

    monkeypatch.setattr("loadtests.timeline.timeline", ramp)
    monkeypatch.setattr(command_line, "_installed", lambda *_: (None, None, None))
    monkeypatch.setenv("RATE_PEAK", "500")
    monkeypatch.setenv("RATE_START", "10")
    monkeypatch.setenv("MAX_VUS", "900")
    monkeypatch.setattr(sys, "argv", ["loadtests", "timeline", "RATE_START=20"])
    assert main() == 0
    assert (seen[0]["RATE_PEAK"], seen[0]["RATE_START"]) == ("500", "20")
    assert seen[0]["MAX_VUS"] == "900"


@pytest.mark.parametrize("command", ["timeline", "assess", "reaction", "chaos", "tune"])
def test_a_cluster_that_is_gone_is_named_with_what_to_do(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Every tool says the same of a kubeconfig's context that nobody answers at."""
    config = Path(__file__).with_name("kubeconfig.yaml")
    monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(config))
    for tool in ("timeline.command", "assess.command", "reaction.command", "tune.command"):
        monkeypatch.setattr(f"loadtests.{tool}.require_answer", lambda *_: None)
    monkeypatch.setattr("loadtests.assess.installation.Installation.version", lambda _: {})
    words = ["--peak", "10"] if command == "tune" else []
    monkeypatch.setattr(sys, "argv", ["loadtests", command, *words, "--context", "nowhere", "--output", str(tmp_path)])
    assert main() == 1
    printed = capsys.readouterr().err
    assert "refused): `make kind-up` brings one; --context (CONTEXT= of make) names another" in printed
