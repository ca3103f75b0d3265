import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from service.dev import __main__ as dev
from service.dev import free_port, postgres

pytestmark = pytest.mark.integration

TOKEN = {"authorization": "Bearer test-token"}


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder for all that is temporary, which whoever the server runs as may enter."""
    with postgres.folder() as path:
        path.chmod(0o711)
        yield path


class Dev:
    """`make dev` on a port of its own."""

    def __init__(self, place: Path, **environment: str) -> None:
        self._port = free_port()
        own = {"USERS_API_PORT": str(self._port), "TMPDIR": str(place), **environment}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "service.dev"], env={**os.environ, **own}, stdout=subprocess.PIPE, text=True
        )

    def get(self, path: str) -> dict[str, object]:
        """Return what it answers, as soon as it does."""
        request = urllib.request.Request(f"http://127.0.0.1:{self._port}{path}", headers=TOKEN)
        content: dict[str, object] = {}

        def answers() -> bool:
            try:
                with urllib.request.urlopen(request, timeout=2) as response:
                    content.update(json.load(response))
            except urllib.error.URLError:
                return False
            return True

        self.wait_until(answers)
        return content

    def wait_until(self, happened: Callable[[], bool]) -> None:
        """Wait until something happens, while it runs."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and self.process.poll() is None:
            if happened():
                return
            time.sleep(0.02)
        raise AssertionError("it did not happen within 60 s")

    def end(self, number: signal.Signals) -> str:
        """Send it a signal, and return what it has written once it has ended; its servers have it too, or it hangs."""
        self.process.send_signal(number)
        return self.process.communicate(timeout=60)[0]


@pytest.mark.measured
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_dev_serves_with_servers_of_its_own_and_ends_them(place: Path, number: signal.Signals) -> None:
    """It answers with Redis and a thousand users in PostgreSQL, says where they are, and leaves nothing running."""
    one = Dev(place)
    try:
        health = one.get("/api/health")
        assert one.get("/api/users/1000")["id"] == 1000
        checks = one.get("/readyz?verbose")["checks"]
    finally:
        output = one.end(number)
    assert (health["status"], health["redis"]) == ("healthy", True)
    assert isinstance(checks, dict)
    assert checks["database"] == {"available": True, "breaker": "closed"}
    assert "users: 1,000 in postgresql://postgres@127.0.0.1:" in output
    assert list(place.iterdir()) == []
    with pytest.raises(AssertionError):
        one.get("/livez")


def test_two_have_servers_of_their_own(place: Path) -> None:
    """On another port a second one runs beside the first, and has other users."""
    both = [Dev(place), Dev(place)]
    try:
        assert [one.get("/api/users/1")["id"] for one in both] == [1, 1]
        assert len(list(place.glob("users-api-postgres-*"))) == 2
    finally:
        outputs = [one.end(signal.SIGINT) for one in both]
    assert len({line for output in outputs for line in output.splitlines() if line.startswith("users:")}) == 2


@pytest.mark.measured
def test_an_interrupted_start_leaves_nothing(place: Path) -> None:
    """Who ends it while PostgreSQL is being made finds nothing of it either, and a status that says so."""
    one = Dev(place)
    one.wait_until(lambda: bool(list(place.glob("users-api-postgres-*/data"))))
    one.end(signal.SIGTERM)
    assert one.process.returncode == dev.INTERRUPTED
    assert list(place.iterdir()) == []


def test_what_postgresql_says_against_it_is_shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A server that can't be made ends the start with its own words."""
    monkeypatch.setattr(postgres, "SUPERUSER", "pg_nobody")
    monkeypatch.setenv("USERS_API_PORT", str(free_port()))
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        assert dev.main() == 1
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    assert 'superuser name "pg_nobody" is disallowed' in capsys.readouterr().err
