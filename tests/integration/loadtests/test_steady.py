import csv
import itertools
import json
import socket
import socketserver
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from k8s.simulation.certificates import Certificate, issue
from loadtests.errors import LoadTestError
from loadtests.measure import Generator, Request, Stage, offer
from loadtests.steady.origin import Origin
from loadtests.steady.requests import requests_of
from loadtests.steady.sender import Sender
from loadtests.trust import CA_FILE, INSECURE
from tests.http_server import Quiet, serving

pytestmark = pytest.mark.integration

RATE, SECONDS = 100, 1


class _Service(Quiet, BaseHTTPRequestHandler):
    """Answers with a tier of the cache, and every fifth time with 429."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        assert isinstance(self.server, _Server)
        self.server.asked.append((self.path, self.headers["authorization"]))
        is_refused = next(self.server.numbers) % 5 == 0
        self.send_response(429 if is_refused else 200)
        if is_refused:
            self.send_header("retry-after", "7")
        self.send_header("content-length", "2")
        self.send_header("x-cache", "L2")
        self.end_headers()
        self.wfile.write(b"{}")


class _Server(ThreadingHTTPServer):
    """Keeps what was asked for, and by whom."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Service)
        self.asked: list[tuple[str, str | None]] = []
        self.numbers = itertools.count(1)  # one for each, though they are answered side by side

    def handle_error(self, *_: object) -> None:
        """A client that does not trust is expected here."""


@contextmanager
def _replying(reply: Callable[[socket.socket], object]) -> Iterator[str]:
    """Serve connections as `reply` does, each on a thread of its own."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with suppress(OSError):
                reply(self.request)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        block_on_close = False

    with serving(Server(("127.0.0.1", 0), Handler)) as url:
        yield url


def _sender(url: str, clients: int = 50, following: Callable[[], bytes] | None = None, method: str = "GET") -> Sender:
    host, port = url.removeprefix("http://").split(":")
    whole = {"method": method, "path": "/{id}", "headers": {"Host": host}, "body": "", "ids": 9, "first_id": 1}
    return Sender(Origin(host, int(port), is_tls=False), following or requests_of(whole), clients, b"x-cache")


@pytest.mark.parametrize("generator", Generator)
def test_either_generator_tells_each_answer(generator: Generator, tmp_path: Path) -> None:
    """All that was sent is there, with status, cache tier, wait, and a time; what it cost is told too."""
    server = _Server()
    with serving(server) as url:
        environment = {"BASE_URL": f"{url}/", "TOKEN": "mine", "USERS": "9"}
        began_s = time.time()
        found = offer(generator, tmp_path, Stage(RATE, SECONDS), environment=environment, most_waiting=200)
        ended_s = time.time()
    answers = found.answers
    due = len(answers) + found.dropped
    # k6 begins late, and says nothing of what was due before.
    assert 0 < due <= RATE * SECONDS + 1 if generator == Generator.K6 else due == RATE * SECONDS
    assert {(answer.status, answer.retry_after) for answer in answers} == {(200, ""), (429, "7")}
    assert len(answers.failed) == len(answers) // 5
    assert {answer.cache for answer in answers} == {"L2"}
    assert all(began_s < answer.at_s < ended_s and answer.duration_ms > 0 for answer in answers)
    paths = {path for path, _ in server.asked}
    assert len(paths) > 1
    assert paths <= {f"/api/users/{number}" for number in range(1, 10)}
    assert {token for _, token in server.asked} == {"Bearer mine"}
    assert found.cpu_seconds > 0


def test_a_write_has_its_body_and_a_text_of_its_own(tmp_path: Path) -> None:
    """`{unique}` is another one in each request, the same in its path and its body; the token is the request's."""
    written: list[tuple[str, str, str]] = []

    class Shop(Quiet, BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_PUT(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            written.append((self.path, body["name"], self.headers["authorization"]))
            self.send_response(204)
            self.end_headers()

    request = Request("/items/{unique}", "PUT", {"name": "new {unique}", "text": "long " * 500_000}, token="other")
    with serving(ThreadingHTTPServer(("127.0.0.1", 0), Shop)) as url:
        environment = {"BASE_URL": url}
        found = offer(
            Generator.STEADY, tmp_path, Stage(20, 0.5), environment=environment, most_waiting=5, request=request
        )
    assert found.answers.reasons() == {}
    assert len(written) + found.dropped == 10
    assert {f"/items/{name.removeprefix('new ')}" for _, name, _ in written} == {path for path, _, _ in written}
    assert len(set(written)) == len(written)
    assert {token for _, _, token in written} == {"Bearer other"}


@pytest.mark.parametrize("host", ["localhost", "users.localhost"])
def test_names_below_localhost_are_this_host(host: str) -> None:
    """That is so too where only one of its addresses is listened at."""
    with _replying(_answering(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")) as url:
        sender = _sender(url.replace("127.0.0.1", host))
        sender.run(RATE, 0.1, 10)
    assert [row[2] for row in sender.rows] == [200] * 10


def test_no_address_is_told(tmp_path: Path) -> None:
    """Nothing is offered to a name that is nobody's."""
    with pytest.raises(LoadTestError, match=r"nobody\.invalid has no address"):
        offer(
            Generator.STEADY,
            tmp_path,
            Stage(RATE, SECONDS),
            environment={"BASE_URL": "http://nobody.invalid"},
            most_waiting=10,
        )


def _answering(answer: bytes) -> Callable[[socket.socket], object]:
    def reply(connection: socket.socket) -> None:
        while connection.recv(65536):
            connection.sendall(answer)

    return reply


def test_a_stall_makes_all_wait_that_were_due_in_it() -> None:
    """The load does not wait for answers: what was due while the service stood still counts from then."""
    open_again = threading.Event()
    stalls = threading.Timer(0.5, open_again.set)

    def reply(connection: socket.socket) -> None:
        while connection.recv(65536):
            open_again.wait()
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    with _replying(reply) as url:
        sender = _sender(url, clients=100)
        stalls.start()
        sender.run(RATE, SECONDS, 10)
    stalls.join()
    assert len(sender.rows) + sender.dropped == RATE * SECONDS
    assert sum(duration_ms > 250 for _, duration_ms, *_ in sender.rows) >= 0.2 * RATE


def test_what_the_generator_itself_sends_late_has_waited() -> None:
    """Where it is kept from sending, requests count from when they were due."""
    sent = 0

    def following() -> bytes:
        nonlocal sent
        sent += 1
        if sent == 5:
            time.sleep(0.5)
        return b"GET / HTTP/1.1\r\nHost: here\r\n\r\n"

    with _replying(_answering(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")) as url:
        sender = _sender(url, clients=100, following=following)
        sender.run(RATE, SECONDS, 10)
    assert len(sender.rows) == RATE * SECONDS
    assert sum(duration_ms > 250 for _, duration_ms, *_ in sender.rows) >= 0.2 * RATE


def test_what_no_client_was_free_for_is_counted() -> None:
    """Clients are bounded: what is due while all of them wait is not sent, and told; in time they give up."""
    with _replying(lambda connection: [connection.recv(65536) for _ in range(2)]) as url:
        sender = _sender(url, clients=3)
        sender.run(RATE, 0.5, 0.6)
    assert sender.dropped == RATE * 0.5 - 3
    assert [row[2:4] for row in sender.rows] == [(0, "timed out")] * 3
    assert all(duration_ms >= 600 for _, duration_ms, *_ in sender.rows)


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", 200),
        (b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n{}", 201),
        (b"HTTP/1.1 304 Not Modified\r\n\r\n", 304),
    ],
)
def test_answers_of_any_form_are_read(answer: bytes, status: int) -> None:
    """In pieces, with something before them, without a body: each ends where HTTP says, and the connection stays."""
    connections: set[int] = set()

    def reply(connection: socket.socket) -> None:
        while connection.recv(65536):
            connections.add(connection.fileno())
            for place in range(len(answer)):
                connection.sendall(answer[place : place + 1])

    with _replying(reply) as url:
        sender = _sender(url, clients=2)
        sender.run(20, 1, 10)
    assert [row[2:4] for row in sender.rows] == [(status, "")] * (20 - sender.dropped)
    assert len(connections) == 2 < len(sender.rows)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (b"", "reset"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", "closed before its end"),
        (b"SSH-2.0\r\n", "no HTTP"),
    ],
)
def test_what_is_no_whole_answer_has_failed(answer: bytes, error: str) -> None:
    """A connection that ends too early, or speaks something else, is told with its reason."""

    def reply(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(answer)

    with _replying(reply) as url:
        sender = _sender(url)
        sender.run(RATE, 0.1, 10)
    assert [row[2] for row in sender.rows] == [0] * 10
    assert {row[3].partition(": ")[0] for row in sender.rows} == {error}


def test_nobody_there_is_refused() -> None:
    """Each request counts."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        sender = _sender(f"http://127.0.0.1:{unused.getsockname()[1]}")
        sender.run(RATE, 0.1, 10)
    assert [row[2:4] for row in sender.rows] == [(0, "refused")] * 10


@pytest.mark.parametrize("says_so", [True, False])
def test_a_connection_that_was_closed_meanwhile_fails_nothing(*, says_so: bool) -> None:
    """A server may end a kept connection after any answer, whether it has said so or not."""
    end = b"Connection: close\r\n" if says_so else b""

    def reply(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n" + end + b"\r\n")

    with _replying(reply) as url:
        sender = _sender(url, clients=1)
        sender.run(RATE, SECONDS, 10)
    assert {row[2:4] for row in sender.rows} == {(200, "")}


def test_a_read_is_sent_again_where_its_connection_had_ended() -> None:
    """As any client does: the server closed it before it read the request."""
    closing = threading.Event()

    def reply(connection: socket.socket) -> None:
        if not connection.recv(65536):
            return  # it was only looked whether anybody is here
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        if not closing.is_set():
            closing.set()
            connection.recv(65536)  # and has no answer to it
        else:
            _answering(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")(connection)

    for method, reasons in (("GET", set()), ("DELETE", {"reset"})):
        closing.clear()
        with _replying(reply) as url:
            sender = _sender(url, clients=1, method=method)
            sender.run(20, 0.5, 10)
        assert {row[3] for row in sender.rows if row[3]} == reasons, method


@pytest.fixture
def own(tmp_path: Path) -> Certificate:
    """A certificate for localhost, signed by itself."""
    return issue(tmp_path / "own")


@pytest.fixture
def tls_port(own: Certificate) -> Iterator[int]:
    """Serve HTTPS with it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(own.certificate, own.key)
    server = _Server()
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    with serving(server):
        yield server.server_port


@pytest.mark.parametrize("variable", [CA_FILE, INSECURE, None])
def test_certificates_are_trusted_as_k6_does(
    variable: str | None, tls_port: int, own: Certificate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the file of an authority, or not at all on demand; else each request fails, and says why."""
    for name in (CA_FILE, "SSL_CERT_DIR", INSECURE):
        monkeypatch.delenv(name, raising=False)
    if variable:
        monkeypatch.setenv(variable, {CA_FILE: str(own.certificate), INSECURE: "true"}[variable])
    environment = {"BASE_URL": f"https://localhost:{tls_port}"}
    found = offer(Generator.STEADY, tmp_path, Stage(RATE, 0.5), environment=environment, most_waiting=20)
    assert len(found.answers) + found.dropped == RATE * 0.5
    if variable:
        assert {answer.status for answer in found.answers} == {200, 429}
    else:
        assert all("certificate verify failed" in reason for reason in found.answers.reasons())
        assert len(found.answers.failed) == len(found.answers) > 0


def test_a_setting_that_means_nothing_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error of the process that sends is that of who asked for it."""
    monkeypatch.setenv(INSECURE, "perhaps")
    with pytest.raises(LoadTestError, match=f"{INSECURE} is 'perhaps'"):
        offer(Generator.STEADY, tmp_path, Stage(1, 1), environment={"BASE_URL": "https://localhost:1"}, most_waiting=1)


@pytest.mark.parametrize(("limit", "said"), [("-Sn 64", ""), ("-n 64", "132 files must be open at once")])
def test_as_many_connections_are_open_as_may_wait(limit: str, said: str, tmp_path: Path) -> None:
    """The few that a shell allows are no bound, unless more is forbidden: that is told."""
    with socket.create_server(("127.0.0.1", 0), backlog=200) as silent:
        work = {"host": "127.0.0.1", "port": silent.getsockname()[1], "is_tls": False, "clients": 100}
        work |= {"method": "GET", "path": "/", "headers": {"Host": "here"}, "body": "", "ids": 1, "first_id": 1}
        work |= {"cache_header": "", "rate": 200, "seconds": 0.5, "timeout_seconds": 1}
        command = f"ulimit {limit}; exec {sys.executable} -m loadtests.steady {tmp_path / 'steady.csv'}"
        ended = subprocess.run(
            ["bash", "-c", command], input=json.dumps(work), capture_output=True, text=True, check=False, timeout=60
        )
    assert said in ended.stderr
    assert bool(ended.returncode) == bool(said)
    if not said:
        with (tmp_path / "steady.csv").open(encoding="utf-8") as file:
            assert [row["error"] for row in csv.DictReader(file)] == ["timed out"] * 100
        assert json.loads(ended.stdout)["dropped"] == 0
