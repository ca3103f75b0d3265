import asyncio
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from ..health.readiness import Readiness
from ..http.problem import problem_response
from . import metrics
from .config import ServerConfig
from .cycle import OneWriteCycle

ALWAYS_ADMITTED = frozenset({b"/livez", b"/readyz", b"/metrics"})
# How many may be above the limit at a time, being read or answered.
MAX_EXTRA_CONNECTIONS = 128


class GuardedProtocol(HttpToolsProtocol):
    """uvicorn's HTTP/1.1 on httptools, with the guards it lacks.

    - A request has to arrive whole, headers and body, within `receive_timeout_seconds` (408 and the connection is cut):
      uvicorn itself waits for slow clients for ever.
    - Its line and headers fit `max_header_bytes` (431): llhttp has no limit of its own.
    - It has one Host header (400, as RFC 9112 demands): llhttp takes none, or several, as they come.
    - Above `max_connections`, of which idle ones are most, those that are held are served on, and a further one gets
      503 and is closed, but for the requests of kubelet and Prometheus: they open a connection each time, and a pod
      that is full must not be killed for it. uvicorn's own limit would refuse all of them, held or new.
    - What comes behind a request that ends the connection is not carried out. Trailers are dropped: they come when the
      headers are checked, and the answer may be on its way.
    - A connection without a request is idle, and is closed in its time, whatever was the last that came on it.
    - While the process drains, each answer ends its connection, so that a proxy stops reusing it before it goes away.

    A request that arrives in one read, as nearly all do, costs no timer.
    """

    receive_timeout_seconds: float
    max_header_bytes: int
    max_connections: int
    extra: dict["GuardedProtocol", None]
    """Connections above the limit, oldest first; of the class that `guarded` made, one for each server."""

    _deadline: asyncio.TimerHandle | None = None
    _is_receiving = False
    _has_headers = True
    _received_bytes = 0
    """Since the last body or request, in whole reads."""
    _read_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn's own
        """Expect a request from the start on, even if no byte of it ever comes."""
        super().connection_made(transport)
        self._expect()
        if not self._has_room(for_another=False):
            self.extra[self] = None
            if len(self.extra) > MAX_EXTRA_CONNECTIONS:
                # Who asks for health does so at once: the oldest that has not asked anything has had its time.
                silent = (each for each in self.extra if each.cycle is None)
                next(silent, self)._refuse_connection()  # noqa: SLF001 - of its own class

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._stop_waiting()
        self.extra.pop(self, None)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse what came; what is incomplete after it has a deadline, and bounds for all that is no body."""
        self._read_bytes = len(data)
        self._received_bytes += self._read_bytes
        super().data_received(data)
        if self.transport.is_closing():
            return
        if not self._is_receiving:
            # uvicorn's is over with any byte, and begins anew with an answer: there may be none, or it was before them.
            if self.timeout_keep_alive_task is None and self.cycle is not None and self.cycle.response_complete:
                self.timeout_keep_alive_task = self.loop.call_later(
                    self.timeout_keep_alive, self.timeout_keep_alive_handler
                )
        elif self._received_bytes > self.max_header_bytes:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, self._too_large())
        elif self._deadline is None:
            self._expect()

    def on_message_begin(self) -> None:
        """Start on a request."""
        self._is_receiving = True
        self._has_headers = False
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; a trailer is none."""
        if not self._has_headers:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Start the application, unless the head was too large or two servers could read its host differently."""
        if self.transport.is_closing():
            return
        # Only what took more bytes in all can have a head of more.
        received = max(self._received_bytes, self._read_bytes)
        if received > self.max_header_bytes and self._head_bytes() > self.max_header_bytes:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, self._too_large())
            return
        hosts = [name for name, _ in self.headers].count(b"host")  # 0.2 us for eight headers
        if hosts != 1 and (hosts or self.parser.get_http_version() == "1.1"):
            self._refuse(HTTPStatus.BAD_REQUEST, "A request names its host in one Host header.")
            return
        if self in self.extra:
            if self._has_room(for_another=True):
                del self.extra[self]
            elif self.url.partition(b"?")[0] not in ALWAYS_ADMITTED:
                self._refuse_connection()
                return
        super().on_headers_complete()
        self._has_headers = True
        self._received_bytes = 0
        if self in self.extra:
            self.cycle.keep_alive = False
        readiness: Readiness | None = self.app_state.get("readiness")
        if readiness is not None and readiness.is_draining:
            self.cycle.keep_alive = False

    def on_body(self, body: bytes) -> None:
        """Hand the body on, if there is a request it belongs to."""
        self._received_bytes = 0
        if not self.transport.is_closing():
            super().on_body(body)

    def on_message_complete(self) -> None:
        """Let the request take as long as it wants from here on."""
        self._is_receiving = False
        self._received_bytes = 0
        self._stop_waiting()
        if not self.transport.is_closing():
            super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP, in the shape of every other error."""
        self._refuse(HTTPStatus.BAD_REQUEST, msg)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:  # noqa: ANN401 - ASGI, as uvicorn types it
        # uvicorn names its class where it makes one; this one has no further fields.
        cycle.__class__ = OneWriteCycle
        super()._start_asgi_task(cycle, app)

    def _has_room(self, *, for_another: bool) -> bool:
        return len(self.connections) - len(self.extra) + for_another <= self.max_connections

    def _refuse_connection(self) -> None:
        self.extra.pop(self, None)
        metrics.REFUSED.inc()
        detail = f"This replica has {self.max_connections} connections, as many as it takes. Try again in a second."
        self._refuse(HTTPStatus.SERVICE_UNAVAILABLE, detail, {"retry-after": "1"})

    def _expect(self) -> None:
        self._deadline = self.loop.call_later(self.receive_timeout_seconds, self._cut)

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _cut(self) -> None:
        if self._is_receiving:
            detail = f"The request did not arrive within {self.receive_timeout_seconds:g} seconds."
            self._refuse(HTTPStatus.REQUEST_TIMEOUT, detail)
        else:
            self.transport.close()

    def _refuse(self, status: HTTPStatus, detail: str, headers: Mapping[str, str] | None = None) -> None:
        if not self._may_answer():
            self.transport.close()
            return
        response = problem_response(status, detail, headers={"connection": "close", **(headers or {})})
        head = b"".join(
            b"%s: %s\r\n" % header for header in [*self.server_state.default_headers, *response.raw_headers]
        )
        line = b"HTTP/1.1 %d %s\r\n" % (status, status.phrase.encode())
        self.transport.write(line + head + b"\r\n" + bytes(response.body))
        self.transport.close()

    def _may_answer(self) -> bool:
        """Tell whether the next answer out is the one to the request being received."""
        if self.transport.is_closing() or self.cycle is None:
            return not self.transport.is_closing()
        if self._is_receiving and self._has_headers:
            return not (self.cycle.response_started or self.pipeline)
        return self.cycle.response_complete and not self.pipeline

    def _head_bytes(self) -> int:
        return len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)  # ": " and CRLF

    def _too_large(self) -> str:
        return f"The request line and headers have more than {self.max_header_bytes} bytes."


def guarded(server: ServerConfig) -> type[GuardedProtocol]:
    """Return the protocol with the limits of the settings; uvicorn makes one for each connection and passes none on."""
    limits: dict[str, Any] = {
        "receive_timeout_seconds": server.request_receive_timeout_seconds,
        "max_header_bytes": server.max_header_bytes,
        "max_connections": server.max_connections,
        "extra": {},
    }
    return type("GuardedProtocol", (GuardedProtocol,), limits)
