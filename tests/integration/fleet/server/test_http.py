import re
from collections.abc import Iterator

import pytest

from tests.service_process import ServiceProcess, read_to_end

pytestmark = pytest.mark.integration

CLOSE = "connection: close\r\n\r\n"
TOKEN = "authorization: Bearer test-token\r\n"


@pytest.fixture(scope="module", params=[("uvicorn", 1), ("gunicorn", 2), ("granian", 1)], ids=lambda param: param[0])
def service(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceProcess]:
    """The service on each server."""
    server, workers = request.param
    folder = tmp_path_factory.mktemp(server)
    with ServiceProcess(folder / "log", server=server, workers=workers, rate_limit_enabled=False) as process:
        yield process


def ask(service: ServiceProcess, request: str) -> tuple[int, dict[str, str], bytes]:
    """Send these bytes and read until the connection ends; status, headers and body as they came."""
    with service.connect() as connection:
        connection.sendall(request.encode("latin-1"))
        head, _, body = read_to_end(connection).partition(b"\r\n\r\n")
    status, *lines = head.decode("latin-1").split("\r\n")
    return (
        int(status.split()[1]),
        {line.partition(":")[0].lower(): line.partition(":")[2].strip() for line in lines},
        body,
    )


def series(service: ServiceProcess) -> set[str]:
    """What is counted and timed by labels."""
    status, _, text = service.get("/metrics")
    assert status == 200
    return set(re.findall(r"^http_requests_total\{.*?\}", text.decode(), flags=re.MULTILINE))


def test_inventions_make_no_series(service: ServiceProcess) -> None:
    """Hundreds of methods, paths and hosts that nobody knows are counted in a handful of series."""
    ask(service, f"GET /nowhere HTTP/1.1\r\nhost: x\r\n{CLOSE}")
    before = series(service)
    for number in range(40):
        for start in (
            f"BREW{number} /api/users HTTP/1.1\r\nhost: x\r\n",
            f"GET /api/users/probe-{number}/ HTTP/1.1\r\nhost: x\r\n",
            f"GET /made-up-{number} HTTP/1.1\r\nhost: host-{number}.example\r\n",
            f"GET /docs{number} HTTP/1.1\r\nhost: x\r\n",
        ):
            assert 400 <= ask(service, start + CLOSE)[0] < 500
    new = series(service) - before
    assert len(new) <= 2, new


@pytest.mark.parametrize(
    "path", ["/livez", "/readyz", "/version", "/api/health", "/gateway-health", "/api/users/1", "/nowhere"]
)
def test_head_has_the_length_of_get_and_no_body(service: ServiceProcess, path: str) -> None:
    """On the wire too, from the caches and from the routes."""
    rest = f" HTTP/1.1\r\nhost: x\r\n{TOKEN}{CLOSE}"
    for _ in range(2):
        got, head = ask(service, f"GET {path}{rest}"), ask(service, f"HEAD {path}{rest}")
        assert head[0] == got[0]
        assert head[1]["content-length"] == got[1]["content-length"] == str(len(got[2]))
        assert head[1]["content-type"] == got[1]["content-type"]
        assert head[2] == b""


@pytest.mark.parametrize("path", ["/api/users%2F1", "/api%2Fusers/1", "/livez%0A", "/api/users/1/"])
def test_no_other_spelling_of_a_path(service: ServiceProcess, path: str) -> None:
    """404, and no redirect, on a fresh process and a warm one."""
    for _ in range(2):
        status, headers, _ = ask(service, f"GET {path} HTTP/1.1\r\nhost: evil.example\r\n{TOKEN}{CLOSE}")
        assert status == 404
        assert "location" not in headers
        ask(service, f"GET /api/users/1 HTTP/1.1\r\nhost: x\r\n{TOKEN}{CLOSE}")


def test_header_lines(service: ServiceProcess) -> None:
    """Lists are joined over lines, singletons refused, white space around a value is none of it."""
    start = "GET /api/users/1 HTTP/1.1\r\nhost: x\r\n"
    for _ in range(2):
        accepts = "accept: text/html\r\naccept: application/json\r\n"
        assert ask(service, f"{start}{TOKEN}{accepts}{CLOSE}")[0] == 200
        assert ask(service, f"{start}authorization: \tBearer test-token \t\r\n{CLOSE}")[0] == 200
        status, _, body = ask(service, f"{start}{TOKEN}{TOKEN}{CLOSE}")
        assert (status, b"authorization" in body) == (400, True)


def test_bytes_that_are_no_url_get_an_answer(service: ServiceProcess) -> None:
    """Raw bytes beyond ASCII in the path are refused, or nobody's path."""
    for path in ("/api/users/\xff", "/\xe2\x82", "/api/users/%ff", "/%c3%28"):
        status = ask(service, f"GET {path} HTTP/1.1\r\nhost: x\r\n{TOKEN}{CLOSE}")[0]
        assert status in {400, 404, 422}
