import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.fleet import FleetSettings, run
from service.fleet.__main__ import main
from service.fleet.server.config import ServerConfig


@pytest.fixture(autouse=True)
def _as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", "")
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in handlers.items():
        signal.signal(number, handler)


def test_the_application_is_served_as_its_variables_say(monkeypatch: pytest.MonkeyPatch) -> None:
    """By its own prefix, from where it was named."""
    served: list[ServerConfig] = []
    monkeypatch.setattr("service.fleet.server.uvicorn.run", served.append)
    monkeypatch.setenv("SHOP_PORT", "81")
    monkeypatch.setattr(sys, "argv", ["fleet", "shop:app", "--prefix", "SHOP_"])
    assert main() == 0
    assert [(each.application, each.is_factory, each.port) for each in served] == [("shop:app", False, 81)]


def test_a_wrong_variable_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The start ends with the status for wrong usage and a line for it."""
    monkeypatch.setenv("SHOP_PORT", "70000")
    monkeypatch.setattr(sys, "argv", ["fleet", "shop:app", "--prefix", "SHOP_"])
    assert main() == 64
    assert "error: SHOP_PORT: Input should be less than or equal to 65535" in capsys.readouterr().err


@pytest.mark.measured
def test_it_is_a_command() -> None:
    """Whose help names the application and the prefix."""
    command = [sys.executable, "-m", "service.fleet", "--help"]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "MODULE:NAME" in told
    assert "--prefix" in told


def test_workers_count_into_one_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder is there for as long as they run, and where prometheus_client looks for it."""
    seen: list[str] = []

    def serve(_server: ServerConfig) -> None:
        seen.append(folder := os.environ["PROMETHEUS_MULTIPROC_DIR"])
        assert not list(Path(folder).iterdir())

    monkeypatch.setattr("service.fleet.server.gunicorn.run", serve)
    assert run("shop:app", FleetSettings(server="gunicorn", workers=2)) == 0
    assert not Path(seen[0]).exists()


def test_an_address_that_is_taken_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    """The message has the name of the variable."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert run("shop:app", FleetSettings("SHOP_", port=taken.getsockname()[1])) == 64
    assert "SHOP_HOST, SHOP_PORT: nothing can listen on" in capsys.readouterr().err


def test_a_signal_before_the_server_ends_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """With status 0: that is how pods end."""
    monkeypatch.setattr("service.fleet.server.uvicorn.run", lambda _: os.kill(os.getpid(), signal.SIGTERM))
    with pytest.raises(SystemExit) as ended:
        run("shop:app", FleetSettings())
    assert ended.value.code == 0
