import contextlib
import json
import socket
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from loadtests.errors import LoadTestError
from loadtests.measure import Request, Stage, open_load
from tests.http_server import Quiet, serving

RATE = 50


class _Service(Quiet, BaseHTTPRequestHandler):
    """Answers a GET with who it is and a tier of the cache, a POST with 503 and nothing below /slow."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path == "/slow":
            time.sleep(1.5)
        self._send(200, b'{"server_id": "one"}')

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self._send(503 if body == {"name": "Ada"} and self.headers["authorization"] == "Bearer other" else 500, b"{}")

    def _send(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.send_header("x-cache", "L2")
        self.end_headers()
        with contextlib.suppress(ConnectionError):  # the load has ended
            self.wfile.write(body)


@pytest.fixture
def base_url() -> Iterator[str]:
    """Serve on a free port of this host."""
    with serving(ThreadingHTTPServer(("127.0.0.1", 0), _Service)) as url:
        yield url


def test_each_request_of_a_mix_is_told_with_its_answer(base_url: str, tmp_path: Path) -> None:
    """All requests of all stages are there, by name, with status, cache tier, replica, and a time between."""
    requests = (
        Request("/api/health", name="who", server_field="server_id"),
        Request("/api/users", "POST", {"name": "Ada"}, token="other", name="write"),
    )
    started_at_s = time.time()
    stages = [Stage(RATE, 0.5), Stage(2 * RATE, 0.5)]
    with open_load(tmp_path, stages, requests=requests, environment={"BASE_URL": base_url}) as load:
        load.join(10)
    answers = load.answers()
    assert RATE < len(answers) <= 1.5 * RATE + 1
    assert {(a.name, a.status, a.cache, a.server_id) for a in answers} == {
        ("who", 200, "L2", "one"),
        ("write", 503, "L2", ""),
    }
    assert all(started_at_s < answer.at_s < load.ended_at_s and answer.duration_ms > 0 for answer in answers)
    assert load.cpu_seconds > 0


def test_another_application_is_asked_for_what_is_its_own(tmp_path: Path) -> None:
    """Its own path to read, its own header of a cache, no token, and a text of its own in each write."""
    seen: list[tuple[str, str, str | None]] = []

    class Shop(Quiet, BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer("")

        def do_PUT(self) -> None:
            self._answer(json.loads(self.rfile.read(int(self.headers["content-length"])))["name"])

        def _answer(self, name: str) -> None:
            seen.append((self.path, name, self.headers["authorization"]))
            self.send_response(200)
            self.send_header("x-served-by", "L1")
            self.send_header("content-length", "4")
            self.end_headers()
            self.wfile.write(b"text")

    mix = (
        Request(name="read", server_field="pod"),
        Request("/items/{unique}", "PUT", {"name": "new {unique}"}, name="write"),
    )
    with serving(ThreadingHTTPServer(("127.0.0.1", 0), Shop)) as url:
        environment = {"BASE_URL": url, "TOKEN": "", "READ": "/items/{id}", "USERS": "9", "CACHE_HEADER": "X-Served-By"}
        with open_load(tmp_path, [Stage(RATE, 0.5)], requests=mix, environment=environment) as load:
            load.join(10)
    assert {(a.status, a.cache, a.server_id) for a in load.answers()} == {(200, "L1", "")}
    assert {path for path, name, _ in seen if not name} <= {f"/items/{number}" for number in range(1, 10)}
    written = [(path.rpartition("/")[2], name) for path, name, _ in seen if name]
    assert written
    assert all(name == f"new {text}" for text, name in written)
    assert len(set(written)) == len(written)
    assert {token for _, _, token in seen} == {None}


def test_refused_connections_are_answers_that_failed(tmp_path: Path) -> None:
    """Where nobody listens every request counts, as refused."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        with open_load(tmp_path, [Stage(RATE, 0.5)], environment={"BASE_URL": url}, keep_alive=False) as load:
            load.join(10)
    answers = load.answers()
    assert len(answers) > 0
    assert answers.reasons() == {"refused": len(answers)}


def test_a_load_that_is_stopped_waits_for_its_answers(base_url: str, tmp_path: Path) -> None:
    """Stopped early it ends when what was sent before has its answer, slow ones too, and nothing has failed."""
    mix = (Request("/slow", name="slow"), Request(name="read"))
    with open_load(tmp_path, [Stage(20, 600)], requests=mix, environment={"BASE_URL": base_url}) as load:
        while not load.answers().where(lambda answer: answer.name == "slow"):
            time.sleep(0.1)
        stopped_at_s = time.time()
        load.stop()
        load.stop()
    answers = load.answers()
    assert len(answers.failed) == 0
    assert answers[-1].at_s <= stopped_at_s + 0.1


def test_a_request_without_an_answer_in_time_has_failed(base_url: str, tmp_path: Path) -> None:
    """A client gives up after its time limit, and that counts."""
    mix = (Request("/slow", name="slow"),)
    environment = {"BASE_URL": base_url}
    with open_load(tmp_path, [Stage(5, 1)], requests=mix, environment=environment, timeout_seconds=1) as load:
        load.join(10)
    assert load.answers().reasons() == {"timed out": len(load.answers())}
    assert all(answer.duration_ms >= 1000 for answer in load.answers())


def test_a_load_may_have_fewer_clients_than_requests_a_second(base_url: str, tmp_path: Path) -> None:
    """Clients limited to far fewer than the rate still send it, as each is free again at once."""
    with open_load(tmp_path, [Stage(RATE, 0.5)], environment={"BASE_URL": base_url}, max_vus=RATE // 5) as load:
        load.join(10)
    assert len(load.answers()) > 0


def test_a_load_that_k6_refuses_says_why(tmp_path: Path) -> None:
    """The error has what k6 said."""
    environment = {"BASE_URL": "http://127.0.0.1:1", "USERS": "none"}
    with (
        pytest.raises(LoadTestError, match="USERS must be a whole number above 0"),
        open_load(tmp_path, [Stage(RATE, 1)], environment=environment) as load,
    ):
        load.join(10)
