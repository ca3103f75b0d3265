import io
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from typing import NamedTuple
from urllib.parse import urlsplit

from loadtests.errors import LoadTestError

REQUEST_ID = "x-request-id"
PAUSE_SECONDS = 0.2


class Address(NamedTuple):
    """Where to connect to."""

    host: str
    port: int


@dataclass(frozen=True)
class Answer:
    """One answer's status and the request id it is for."""

    status: int
    request_id: str


@dataclass(frozen=True)
class Reply:
    """All that came back on one connection, and whether the server ended it within `seconds`."""

    answers: tuple[Answer, ...]
    closed: bool
    seconds: float


def address(base_url: str) -> Address:
    """Take the address out of an http:// URL.

    Raises:
        LoadTestError: it is another URL.
    """
    url = urlsplit(base_url)
    if url.scheme != "http" or not url.hostname:
        raise LoadTestError(f"BASE_URL is {base_url!r}: raw connections are made to http://host:port only")
    return Address(url.hostname, url.port or 80)


def exchange(to: Address, *payloads: bytes, timeout_seconds: float = 15, quiet_seconds: float = 3) -> Reply:
    """Send payloads on one connection, a moment apart, and read what comes back.

    That is until the server closes, or has said something and then nothing for `quiet_seconds`, or the time is up.
    """
    started = time.monotonic()
    received = bytearray()
    closed = False
    with socket.create_connection(to, timeout=timeout_seconds) as connection:
        try:
            for payload in payloads:
                connection.sendall(payload)
                time.sleep(PAUSE_SECONDS)
            while not closed:
                left = max(0.01, started + timeout_seconds - time.monotonic())
                connection.settimeout(min(left, quiet_seconds) if received else left)
                chunk = connection.recv(65536)
                received += chunk
                closed = not chunk
        except TimeoutError:
            pass
        except ConnectionError:  # reset or a broken pipe: cut while it still spoke
            closed = True
    return Reply(tuple(answers(bytes(received))), closed, time.monotonic() - started)


def answers(received: bytes) -> Iterator[Answer]:
    """Part what came back on a connection into its answers; a last one that is cut off counts with its status."""
    stream = _Stream(received)
    while (start := stream.tell()) < len(received):
        response = HTTPResponse(stream)  # type: ignore[arg-type] # all it asks of a socket is makefile
        try:
            response.begin()
        except HTTPException as error:
            raise LoadTestError(f"what came back is no HTTP answer: {received[start:][:80]!r}") from error
        yield Answer(response.status, response.headers.get(REQUEST_ID, ""))
        try:
            response.read()
        except HTTPException:
            return


def content_length(head: bytes) -> int:
    """Read the length of the body behind a head, in bytes; 0 where none is named."""
    fields = (line.partition(b":") for line in head.lower().split(b"\r\n"))
    return next((int(value) for name, _, value in fields if name == b"content-length"), 0)


class _Stream(io.BytesIO):
    """Bytes that stay open for the next answer's parser, and pass for the socket they came from."""

    def makefile(self, _mode: str) -> "_Stream":
        return self

    def close(self) -> None:
        """Stay open."""
