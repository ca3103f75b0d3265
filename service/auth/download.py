import asyncio
import contextlib
import socket
from http.client import HTTPConnection, HTTPMessage, HTTPResponse, HTTPSConnection
from typing import IO
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPHandler, HTTPRedirectHandler, HTTPSHandler, Request, build_opener

from service import NAME, __version__
from service.fleet.tls import client_context

TIMEOUT_SECONDS = 5.0
MAX_BYTES = 1024 * 1024
HEADERS = {"User-Agent": f"{NAME}/{__version__}", "Accept": "application/jwk-set+json, application/json"}


async def download(url: str) -> bytes:
    """Return the body that a GET of `url` leads to, of at most `MAX_BYTES`; cancelling it cuts the connection.

    Proxies and certificate authorities are those of the environment, as urllib has them. It runs in a thread, whose
    time limit is one for each wait only: from a server that sends a byte now and then it would never come back.
    """
    opened: list[socket.socket] = []
    try:
        return await asyncio.to_thread(_get, url, opened)
    finally:
        for connection in opened:
            with contextlib.suppress(OSError):  # closed by now, as a rule
                # Past SSLSocket's method, which would have the thread read on in plain text.
                socket.socket.shutdown(connection, socket.SHUT_RDWR)


def _get(url: str, opened: list[socket.socket]) -> bytes:
    opener = build_opener(_Redirects(), _Plain(opened), _Secure(opened))
    try:
        with opener.open(Request(url, headers=HEADERS), timeout=TIMEOUT_SECONDS) as response:  # noqa: S310 - http(s) only, by the settings
            content: bytes = response.read(MAX_BYTES + 1)
    except HTTPError as error:
        error.close()  # it is the response too, and would keep the connection
        raise
    if len(content) > MAX_BYTES:
        raise ValueError(f"the document is longer than {MAX_BYTES} bytes")
    return content


class _Redirects(HTTPRedirectHandler):
    """Follows no redirect that leaves TLS, nor one to anything but HTTP."""

    def redirect_request(  # noqa: PLR0913, PLR0917 - urllib's own
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> Request | None:
        """Return the request to send next."""
        scheme = urlsplit(newurl).scheme
        if scheme != "https" and (scheme, req.type) != ("http", "http"):
            raise URLError(f"a redirect from {req.type} to {scheme} is not followed")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


class _Plain(HTTPHandler):
    """Opens http URLs, and notes each connection."""

    def __init__(self, opened: list[socket.socket]) -> None:
        super().__init__()
        self._opened = opened

    def http_open(self, req: Request) -> HTTPResponse:
        """Send the request."""
        return self.do_open(_noting(HTTPConnection, self._opened), req)


class _Secure(HTTPSHandler):
    """Opens https URLs, and notes each connection."""

    def __init__(self, opened: list[socket.socket]) -> None:
        self._tls = client_context()
        super().__init__(context=self._tls)
        self._opened = opened

    def https_open(self, req: Request) -> HTTPResponse:
        """Send the request."""
        return self.do_open(_noting(HTTPSConnection, self._opened), req, context=self._tls)


def _noting(kind: type[HTTPConnection], opened: list[socket.socket]) -> type[HTTPConnection]:
    class Connection(kind):  # type: ignore[misc, valid-type]
        def connect(self) -> None:
            super().connect()
            opened.append(self.sock)

    return Connection
