import json
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from loadtests.__main__ import main
from tests.http_server import Quiet, serving

APP = """
namespace: shop
release: shop
url: {url}
token: $SHOP_TOKEN
read: /items/7
write: {{path: /items, body: {{name: "{{unique}}"}}}}
"""


class Shop(ThreadingHTTPServer):
    """An application that is not the users API, and what was asked of it."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.seen: list[tuple[str, str, str]] = []


class _Handler(Quiet, BaseHTTPRequestHandler):
    server: Shop
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer(200 if self.path == "/items/7" else 404, "")

    def do_POST(self) -> None:
        name = json.loads(self.rfile.read(int(self.headers["content-length"])))["name"]
        self._answer(201 if self.path == "/items" else 404, name)

    def _answer(self, status: int, name: str) -> None:
        self.server.seen.append((self.path, name, self.headers["authorization"]))
        self.send_response(status)
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"{}")


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    """Serve it, and say what it has in app.yaml."""
    server = Shop()
    # How fast a busy machine answers is not asked here.
    monkeypatch.setenv("K6_NO_THRESHOLDS", "true")
    monkeypatch.setenv("SHOP_TOKEN", "secret")
    for name in ("BASE_URL", "TOKEN", "USERS"):
        monkeypatch.delenv(name, raising=False)
    with serving(server) as url:
        (tmp_path / "app.yaml").write_text(APP.format(url=url))
        yield server


def _run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, script: str) -> int:
    words = ["run", script, "--app", str(tmp_path / "app.yaml"), "--output", str(tmp_path / "out")]
    monkeypatch.setattr(sys, "argv", ["loadtests", *words, "DURATION_SECONDS=1", "VUS=2"])
    return main()


def test_an_application_of_one_s_own_is_read(shop: Shop, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A script reads its path with its token, and nothing of the users API."""
    assert _run(monkeypatch, tmp_path, "basic") == 0
    assert len(shop.seen) > 2
    assert set(shop.seen) == {("/items/7", "", "Bearer secret")}


def test_an_application_of_one_s_own_is_written_to(shop: Shop, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Each write has a text of its own, after one read that tells whether anybody is there."""
    assert _run(monkeypatch, tmp_path, "write") == 0
    first, *written = shop.seen
    assert first[0] == "/items/7"
    assert {path for path, _, _ in written} == {"/items"}
    assert len({name for _, name, _ in written}) == len(written) > 2


def test_a_script_that_does_not_apply_says_what_would_make_it(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is sent to an application that says of no path that it takes CPU."""
    assert _run(monkeypatch, tmp_path, "burn") == 1
    assert capsys.readouterr().err.startswith("error: burn does not apply: app.yaml says nothing of burn, a path that ")
    assert shop.seen == []
