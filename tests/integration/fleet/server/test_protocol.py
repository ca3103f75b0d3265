import contextlib
import json
import time
from collections.abc import Iterator

import pytest

from tests.service_process import ServiceProcess, read_to_end

pytestmark = [pytest.mark.integration, pytest.mark.measured]

REQUEST = b"GET /version HTTP/1.1\r\nhost: x\r\n\r\n"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceProcess]:
    """A service that waits one second for a request."""
    settings = {"request_receive_timeout_seconds": 1, "keep_alive_seconds": 3, "max_header_bytes": 4096}
    settings |= {"faults_enabled": True}
    with ServiceProcess(tmp_path_factory.mktemp("service") / "log", **settings) as process:
        yield process


def _status_and_problem(answer: bytes) -> tuple[int, str]:
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"content-type: application/problem+json" in head
    assert b"connection: close" in head
    return int(head.split()[1]), json.loads(body)["title"]


@pytest.mark.parametrize(
    "beginning",
    [
        b"GET /version HT",
        b"POST /api/users HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 10\r\n\r\nhalf",
    ],
    ids=["head", "body"],
)
def test_a_request_that_does_not_end_is_cut(service: ServiceProcess, beginning: bytes) -> None:
    """Half a head or half a body is answered 408 when its time is up, and the connection closed."""
    with service.connect() as connection:
        connection.sendall(beginning)
        assert _status_and_problem(read_to_end(connection)) == (408, "Request Timeout")


def test_a_body_that_does_not_end_after_its_answer_is_cut(service: ServiceProcess) -> None:
    """Who is refused before the body is read gets that one answer, and a second to stop sending."""
    head = b"POST /api/users HTTP/1.1\r\nhost: x\r\ncontent-type: text/plain\r\ncontent-length: 10\r\n\r\n"
    with service.connect() as connection:
        connection.sendall(head + b"half")
        answer = read_to_end(connection)
    assert answer.startswith(b"HTTP/1.1 415")
    assert answer.count(b"HTTP/1.1 ") == 1


def test_a_trickle_is_cut(service: ServiceProcess) -> None:
    """Bytes that keep coming one by one do not prolong the time."""
    with service.connect() as connection:
        connection.settimeout(0.2)
        received = b""
        for byte in b"GET /version HTTP/1.1\r\nx: " + b"a" * 100:
            connection.sendall(bytes([byte]))
            try:
                received = connection.recv(4096)
            except TimeoutError:
                continue
            break
        assert _status_and_problem(received) == (408, "Request Timeout")


def test_a_connection_that_says_nothing_is_closed(service: ServiceProcess) -> None:
    """Without a byte there is nothing to answer."""
    with service.connect() as connection:
        assert read_to_end(connection) == b""


def test_a_second_request_has_its_own_time(service: ServiceProcess) -> None:
    """An idle connection stays open past that time; a request begun on it is cut as the first would be."""
    with service.connect() as connection:
        connection.sendall(REQUEST)
        assert connection.recv(65536).startswith(b"HTTP/1.1 200")
        time.sleep(1.5)
        connection.sendall(REQUEST[:10])
        assert _status_and_problem(read_to_end(connection)) == (408, "Request Timeout")


def test_many_slow_clients_do_not_keep_others_out(service: ServiceProcess) -> None:
    """While 300 connections trickle, a plain request is answered; and each of them is cut."""
    with contextlib.ExitStack() as stack:
        slow = [stack.enter_context(service.connect()) for _ in range(300)]
        for connection in slow:
            connection.sendall(REQUEST[:10])
        assert service.get("/version")[0] == 200
        assert {_status_and_problem(read_to_end(connection))[0] for connection in slow} == {408}


def test_a_slow_answer_is_not_a_slow_request(service: ServiceProcess) -> None:
    """The time ends with the request's last byte."""
    assert service.get("/api/faults/sleep?milliseconds=1500", authorization="Bearer test-token")[0] == 200


@pytest.mark.parametrize(
    "ending",
    [b"\r\n\r\n", b"", b"\r\ncontent-length: 4\r\n\r\nbody"],
    ids=["whole", "endless", "with body"],
)
def test_a_head_beyond_the_limit_is_refused(service: ServiceProcess, ending: bytes) -> None:
    """431, whether the head ends, goes on or has a body behind it."""
    with service.connect() as connection:
        connection.sendall(REQUEST[:-2] + b"x: " + b"a" * 5000 + ending)
        assert _status_and_problem(read_to_end(connection)) == (431, "Request Header Fields Too Large")


def test_a_large_body_is_no_large_head(service: ServiceProcess) -> None:
    """A body beyond the header limit that comes in the same packet is the application's business."""
    body = b'{"name": "' + b"a" * 5000 + b'"}'
    head = b"POST /api/users HTTP/1.1\r\nhost: x\r\nauthorization: Bearer test-token\r\nconnection: close\r\n"
    head += b"content-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body)
    with service.connect() as connection:
        connection.sendall(head + body)
        assert read_to_end(connection).startswith(b"HTTP/1.1 422")


def test_what_is_no_http_is_refused(service: ServiceProcess) -> None:
    """400, in the shape of every other error."""
    with service.connect() as connection:
        connection.sendall(b"HELO example.com\r\n\r\n")
        assert _status_and_problem(read_to_end(connection)) == (400, "Bad Request")


@pytest.mark.parametrize(
    "ambiguous",
    [
        b"content-length: 4\r\ntransfer-encoding: chunked\r\n",
        b"transfer-encoding: chunked\r\ncontent-length: 4\r\n",
        b"content-length: 4\r\ncontent-length: 5\r\n",
        b"content-length: +4\r\n",
        b"transfer-encoding: chunked, identity\r\n",
        b"content-length : 4\r\n",
    ],
)
def test_a_body_of_two_lengths_is_refused(service: ServiceProcess, ambiguous: bytes) -> None:
    """What a proxy could read differently (request smuggling) gets 400, and nothing behind it is answered."""
    with service.connect() as connection:
        connection.sendall(b"POST /version HTTP/1.1\r\nhost: x\r\n" + ambiguous + b"\r\n0\r\n\r\n" + REQUEST)
        answer = read_to_end(connection)
    assert _status_and_problem(answer) == (400, "Bad Request")
    assert answer.count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize("hosts", [b"", b"host: a\r\nhost: b\r\n"], ids=["none", "two"])
def test_a_request_names_one_host(service: ServiceProcess, hosts: bytes) -> None:
    """Without a Host header, or with a second, it gets 400: two servers in a row could each take another."""
    with service.connect() as connection:
        connection.sendall(b"GET /version HTTP/1.1\r\n" + hosts + b"\r\n")
        assert _status_and_problem(read_to_end(connection)) == (400, "Bad Request")


def test_http_1_0_needs_no_host(service: ServiceProcess) -> None:
    """HTTP/1.0 knew no Host header yet, and old health checks still speak it."""
    with service.connect() as connection:
        connection.sendall(b"GET /version HTTP/1.0\r\n\r\n")
        assert read_to_end(connection).startswith(b"HTTP/1.1 200")


def test_a_fault_behind_a_pipelined_request_is_not_its_answer(service: ServiceProcess) -> None:
    """Where the answer to an earlier request is due, the connection is closed instead of answered out of turn."""
    slow = b"GET /api/faults/sleep?milliseconds=700 HTTP/1.1\r\nhost: x\r\nauthorization: Bearer test-token\r\n\r\n"
    with service.connect() as connection:
        connection.sendall(slow + b"HELO\r\n\r\n")
        assert read_to_end(connection) == b""


def test_an_idle_connection_is_closed_whatever_came_last(service: ServiceProcess) -> None:
    """Neither an empty line after an answer nor the rest of a body that was answered before it keeps it open."""
    early = b"POST /api/users HTTP/1.1\r\nhost: x\r\ncontent-type: text/plain\r\ncontent-length: 4\r\n\r\nab"
    for first, last in ((REQUEST, b"\r\n"), (early, b"cd")):
        with service.connect() as connection:
            connection.sendall(first)
            assert connection.recv(65536).startswith(b"HTTP/1.1 ")
            time.sleep(0.2)
            connection.sendall(last)
            assert read_to_end(connection) == b""


def test_nothing_behind_a_refusal_is_carried_out(service: ServiceProcess) -> None:
    """The answer that ends a connection is its last, and the request behind it in the same packet has no effect."""
    body = b'{"name": "Behind", "email": "behind@example.com"}'
    create = b"POST /api/users HTTP/1.1\r\nhost: x\r\nauthorization: Bearer test-token\r\n"
    create += b"content-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body) + body
    with service.connect() as connection:
        connection.sendall(b"GET /version HTTP/1.1\r\n\r\n" + create)
        assert _status_and_problem(read_to_end(connection)) == (400, "Bad Request")
    with service.connect() as connection:
        connection.sendall(create.replace(b"host: x", b"host: x\r\nconnection: close"))
        assert read_to_end(connection).startswith(b"HTTP/1.1 201")


TRAILED = b"POST /api/users HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n"


def test_trailers_are_no_headers(service: ServiceProcess) -> None:
    """Who names a token behind the body has named none."""
    with service.connect() as connection:
        connection.sendall(TRAILED + b"2\r\n{}\r\n0\r\nauthorization: Bearer test-token\r\nconnection: close\r\n\r\n")
        assert connection.recv(65536).startswith(b"HTTP/1.1 401")


def test_trailers_without_end_are_refused(service: ServiceProcess) -> None:
    """They have the bound of a head; the connection is closed, with 431 if no answer has begun."""
    with service.connect() as connection, contextlib.suppress(ConnectionError):
        connection.sendall(TRAILED + b"2\r\n{}\r\n0\r\nx: ")
        began = time.monotonic()
        for _ in range(100):
            connection.sendall(b"a" * 1000)
            time.sleep(0.01)
        pytest.fail(f"took a trailer for {time.monotonic() - began:.1f} s")


def test_a_large_head_behind_another_request_is_refused(service: ServiceProcess) -> None:
    """Two requests in one packet have a bound each."""
    with service.connect() as connection:
        connection.sendall(REQUEST + REQUEST[:-2] + b"x: " + b"a" * 5000 + b"\r\n\r\n")
        answer = read_to_end(connection)
    assert answer.count(b"HTTP/1.1 200") <= 1
