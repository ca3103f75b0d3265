import socket
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from loadtests.errors import LoadTestError
from loadtests.loopback import resolve_below_localhost
from loadtests.target import require_answer
from tests.http_server import Quiet, serving


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for nothing that will not come."""
    monkeypatch.setattr("loadtests.target.PATIENCE_SECONDS", 0.0)


class _ByToken(Quiet, BaseHTTPRequestHandler):
    """Answers with the status that is the token, or with the one before the API's own path."""

    def do_GET(self) -> None:
        token = self.headers["authorization"].removeprefix("Bearer ")
        before = self.path.removesuffix("/api/users/1").rpartition("/")[2]
        status = int(before if token == "by path" else token)
        self.send_response(status)
        if status == 308:
            self.send_header("location", "https://elsewhere/")
        self.send_header("content-length", "0")
        self.end_headers()


@pytest.fixture
def base_url() -> Iterator[str]:
    """Serve on a free port of this host."""
    with serving(HTTPServer(("127.0.0.1", 0), _ByToken)) as url:
        yield url


def test_a_service_that_answers_is_accepted(base_url: str) -> None:
    """A user read with the token is all it takes."""
    require_answer(base_url + "/", "200")


class _Late(Quiet, BaseHTTPRequestHandler):
    """Knows of a pod at the third request."""

    asked = 0

    def do_GET(self) -> None:
        _Late.asked += 1
        self.send_response(200 if self.asked > 2 else 503)
        self.send_header("content-length", "0")
        self.end_headers()


def test_a_way_in_may_learn_of_its_pods(monkeypatch: pytest.MonkeyPatch) -> None:
    """Right after an installation some controllers answer 503 for seconds, and are asked again."""
    monkeypatch.setattr("loadtests.target.PATIENCE_SECONDS", 30.0)
    monkeypatch.setattr(_Late, "asked", 0)
    with serving(HTTPServer(("127.0.0.1", 0), _Late)) as url:
        require_answer(url, "token")
    assert _Late.asked == 3


def test_what_a_load_reads_is_asked_for(base_url: str) -> None:
    """Of an application of one's own it is the path that it says, with a number in it if it wants one."""
    require_answer(base_url, "by path", "/{id}/200/api/users/{id}")
    with pytest.raises(LoadTestError, match=r"/404/api/users/1 answers 404"):
        require_answer(base_url, "by path", "/404/api/users/{id}")


def test_names_below_localhost_are_this_host(base_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The name that the local Ingress knows an application by needs no name server; other names do."""
    monkeypatch.setattr(socket, "getaddrinfo", socket.getaddrinfo)
    resolve_below_localhost()
    for name in ("shop.localhost", "a.b.localhost", "Shop.Localhost."):
        require_answer(base_url.replace("127.0.0.1", name), "200")
    for name in ("shop.localhost.invalid", "notlocalhost.invalid"):
        with pytest.raises(LoadTestError, match="no service answers"):
            require_answer(base_url.replace("127.0.0.1", name), "200")


def test_a_path_is_what_all_paths_begin_with(base_url: str) -> None:
    """Behind a proxy that serves it below a path, with or without a slash at its end, the service is found there."""
    for path in ("/200", "/200/", "/a/b/200//"):
        require_answer(base_url + path, "by path")
    with pytest.raises(LoadTestError, match=r"/404/api/users/1 answers 404"):
        require_answer(base_url + "/404/", "by path")


@pytest.mark.parametrize(
    ("status", "remedy"),
    [
        ("401", "set TOKEN"),
        ("404", "something else listens there"),
        ("429", "raise config.rateLimit.requests"),
        ("503", "see its pods"),
        ("204", "reads what is answered with 200"),
        ("308", "it sends on to https://elsewhere/: give BASE_URL as what answers itself"),
        ("400", "give it as https://"),
    ],
)
def test_another_answer_names_its_remedy(base_url: str, status: str, remedy: str) -> None:
    """Each kind of wrong answer says what to do."""
    with pytest.raises(LoadTestError, match=remedy):
        require_answer(base_url, status)


def test_nobody_listening_names_the_remedy() -> None:
    """A closed port says how to start a service."""
    with HTTPServer(("127.0.0.1", 0), _ByToken) as server:
        port = server.server_port
    with pytest.raises(LoadTestError, match="make kind-up"):
        require_answer(f"http://127.0.0.1:{port}", "200")


@pytest.mark.parametrize(
    "base_url",
    [
        "",
        "localhost:8080",
        "ftp://localhost",
        "http://",
        "http://localhost:80a",
        "http://localhost:99999",
        "http://localhost:0",
        "http://[::1",
        "http://local host",
        "http://localhost/?a=b",
        "http://localhost/#a",
        "http://user:password@localhost",
    ],
)
def test_what_is_no_url_is_refused(base_url: str) -> None:
    """A URL needs its scheme and host."""
    with pytest.raises(LoadTestError, match="http://host:port"):
        require_answer(base_url, "200")
