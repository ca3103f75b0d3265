import contextlib
import json
import socket
from collections.abc import Iterator
from http.client import HTTPResponse

import pytest

from service.fleet.server.protocol import MAX_EXTRA_CONNECTIONS
from tests.service_process import ServiceProcess, read_to_end

pytestmark = [pytest.mark.integration, pytest.mark.measured]

LIMIT = 20
TOKEN = {"authorization": "Bearer test-token"}
REQUEST = b"GET /api/users/1 HTTP/1.1\r\nhost: x\r\nauthorization: Bearer test-token\r\n\r\n"


@pytest.fixture(scope="module", params=["uvicorn", "gunicorn"])
def service(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceProcess]:
    """A service of few connections."""
    log = tmp_path_factory.mktemp("service") / "log"
    settings = {
        "server": request.param,
        "max_connections": LIMIT,
        "request_receive_timeout_seconds": 60,
        "rate_limit_enabled": False,  # a test asks until it is let in
    }
    with ServiceProcess(log, **settings) as process:
        yield process


@pytest.fixture
def held(service: ServiceProcess) -> Iterator[list[socket.socket]]:
    """As many connections as it takes: each has been answered once, and is idle."""
    with contextlib.ExitStack() as stack:
        connections = [stack.enter_context(service.connect()) for _ in range(LIMIT)]
        for connection in connections:
            assert ask(connection) == 200
        yield connections
        for connection in connections:  # so that the next test finds none of them
            end(connection)


def ask(connection: socket.socket) -> int:
    """Send a request for a user and return the status of its answer, read to its end."""
    connection.sendall(REQUEST)
    response = HTTPResponse(connection)
    response.begin()
    response.read()
    return response.status


def end(connection: socket.socket) -> None:
    """Have the service close it."""
    connection.sendall(REQUEST.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n"))
    assert read_to_end(connection).startswith(b"HTTP/1.1 200")


@pytest.mark.usefixtures("held")
@pytest.mark.parametrize("path", ["/livez", "/readyz", "/readyz?verbose", "/metrics"])
def test_probes_and_scrapes_are_answered(service: ServiceProcess, path: str) -> None:
    """A full replica is alive and ready, and its metrics tell why; the answer ends the connection."""
    for _ in range(3):
        status, headers, _ = service.get(path)
        assert status == 200
        assert headers["connection"] == "close"


def test_held_connections_are_served(held: list[socket.socket]) -> None:
    """The limit is on further connections, not on requests."""
    for connection in held:
        assert ask(connection) == 200


@pytest.mark.usefixtures("held")
@pytest.mark.parametrize("path", ["/api/users/1", "/api/health", "/livez/", "/version"])
def test_a_further_connection_is_refused(service: ServiceProcess, path: str) -> None:
    """It gets a problem document that says when to come back, and is closed."""
    status, headers, body = service.get(path, **TOKEN)
    assert (status, headers["retry-after"], headers["connection"]) == (503, "1", "close")
    assert headers["content-type"] == "application/problem+json"
    assert json.loads(body)["status"] == 503


def test_a_place_that_is_free_again_is_taken(service: ServiceProcess, held: list[socket.socket]) -> None:
    """A connection that came when all were taken is served once another has ended."""
    with service.connect() as late, service.connect() as later:
        service.get("/livez")  # both have been accepted by now
        end(held.pop())
        assert ask(late) == 200
        assert ask(later) == 503
        end(late)


@pytest.mark.usefixtures("held")
def test_silent_connections_above_the_limit_are_bounded(service: ServiceProcess) -> None:
    """Many that say nothing keep no probe out; the oldest of them give way, and are told why."""
    with contextlib.ExitStack() as stack:
        silent = [stack.enter_context(service.connect()) for _ in range(MAX_EXTRA_CONNECTIONS + 30)]
        assert service.get("/livez")[0] == 200
        for connection in silent[:30]:
            assert read_to_end(connection).startswith(b"HTTP/1.1 503")
        assert service.get("/metrics")[0] == 200
