import errno
import os
import selectors
import socket
from collections.abc import Callable
from typing import Any

import httptools

from loadtests.steady.origin import Origin

READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE
INFORMATIONAL = range(100, 200)
_UNDER_WAY = {0, errno.EINPROGRESS}
_AT_ONCE = 2**16
_SAID = {
    errno.ECONNREFUSED: "refused",
    errno.ECONNRESET: "reset",
    errno.EPIPE: "reset",
    errno.ETIMEDOUT: "connecting timed out",
}


class Client:
    """Has one request under way at most, and a connection of its own, which it keeps: as a virtual user of k6's.

    It never blocks. A key of the selector has as its data the method to call when the connection is ready.
    """

    def __init__(
        self, origin: Origin, selector: selectors.BaseSelector, cache_header: bytes, ended: Callable[["Client"], None]
    ) -> None:
        """Take where to, what waits for it, which header names the answer's cache, and whom to tell of each end."""
        self._origin = origin
        self._selector = selector
        self._cache_header = cache_header
        self._ended = ended
        self._socket: Any = None
        self._is_under_way = False
        self.began = 0.0
        self.status, self.error, self.cache, self.retry_after = 0, "", "", ""

    def send(self, request: bytes, began: float) -> None:
        """Send a request whose time counts from `began`; the one before has ended."""
        self._request, self.began = request, began
        self.status, self.error, self.cache, self.retry_after = 0, "", "", ""
        self._is_under_way, self._is_heard, self._is_complete = True, False, False
        self._is_kept = self._socket is not None
        if self._is_kept:
            self._write()
        else:
            self._connect()

    def give_up(self, error: str) -> None:
        """End what is under way without an answer."""
        self.close()
        self._is_under_way = False
        self.status, self.error = 0, error
        self._ended(self)

    def close(self) -> None:
        """Close the connection, if there is one."""
        if self._socket is not None:
            self._selector.unregister(self._socket)
            self._socket.close()
            self._socket = None

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep what is asked for; the parser calls this."""
        name = name.lower()
        if name == self._cache_header:
            self.cache = value.decode("latin-1")
        elif name == b"retry-after":
            self.retry_after = value.decode("latin-1")

    def on_message_complete(self) -> None:
        """Take the status, and whether the connection may be kept; the parser calls this, and forgets both."""
        self.status = self._parser.get_status_code()
        self._is_complete = self.status not in INFORMATIONAL
        self._may_be_kept = self._parser.should_keep_alive()

    def _connect(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._socket = socket.socket(self._origin.family, socket.SOCK_STREAM)
        self._socket.settimeout(0)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._selector.register(self._socket, WRITE, self._connected)
        failure = self._socket.connect_ex(self._origin.address)
        if failure not in _UNDER_WAY:
            self.give_up(_said(OSError(failure, os.strerror(failure))))

    def _connected(self) -> None:
        if failure := self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            self.give_up(_said(OSError(failure, os.strerror(failure))))
        elif self._origin.tls is None:
            self._selector.modify(self._socket, READ, self._read)
            self._write()
        else:
            self._selector.unregister(self._socket)
            self._socket = self._origin.tls.wrap_socket(
                self._socket, server_hostname=self._origin.host, do_handshake_on_connect=False
            )
            self._selector.register(self._socket, READ, self._shake_hands)
            self._shake_hands()

    def _shake_hands(self) -> None:
        try:
            self._socket.do_handshake()
        except self._origin.not_now:
            return
        except OSError as error:
            self.give_up(_said(error))
            return
        self._selector.modify(self._socket, READ, self._read)
        self._write()

    def _write(self) -> None:
        try:
            sent = self._socket.send(self._request)
        except self._origin.not_now:
            sent = 0
        except OSError as error:
            self._lost(_said(error))
            return
        if sent < len(self._request):  # a long body
            self._rest = self._request[sent:]
            self._selector.modify(self._socket, READ | WRITE, self._write_on)

    def _write_on(self) -> None:
        try:
            self._rest = self._rest[self._socket.send(self._rest) :]
        except self._origin.not_now:
            pass
        except OSError as error:
            self._lost(_said(error))
            return
        if not self._rest:
            self._selector.modify(self._socket, READ, self._read)

    def _read(self) -> None:
        if not self._is_under_way:
            self._hear_of_the_end()
            return
        try:
            while not self._is_complete:
                data = self._socket.recv(_AT_ONCE)
                if not data:
                    self._lost("closed before its end" if self._is_heard else "reset")
                    return
                self._is_heard = True
                self._parser.feed_data(data)
        except self._origin.not_now:
            return
        except httptools.HttpParserError as error:
            self.give_up(f"no HTTP: {error}")
        except OSError as error:
            self._lost(_said(error))
        else:
            self._is_under_way = False
            if not self._may_be_kept:
                self.close()
            self._ended(self)

    def _hear_of_the_end(self) -> None:
        """Close what the other side has closed, or says something on without being asked."""
        try:
            self._socket.recv(_AT_ONCE)
        except self._origin.not_now:
            return  # it was TLS' own: a ticket
        except OSError:
            pass
        self.close()

    def _lost(self, error: str) -> None:
        """Give up, or as Go's client does send a read again that met a kept connection at its end."""
        is_late = self._is_kept and not self._is_heard and self._request.startswith(b"GET ")
        if not is_late:
            self.give_up(error)
            return
        self.close()
        self._is_kept = False
        self._connect()


def _said(error: OSError) -> str:
    return _SAID.get(error.errno or 0) or error.strerror or type(error).__name__
