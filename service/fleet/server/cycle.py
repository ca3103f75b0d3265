from typing import TYPE_CHECKING, Any

from uvicorn.protocols.http.httptools_impl import HEADER_RE, HEADER_VALUE_RE, STATUS_LINE, RequestResponseCycle

if TYPE_CHECKING:
    from uvicorn._types import ASGISendEvent

# The framing is not the length of the one body.
_FRAMED_OTHERWISE = frozenset({b"transfer-encoding", b"connection"})


class OneWriteCycle(RequestResponseCycle):
    """uvicorn's request and its answer, which leaves in one write where it has one body of a known length.

    uvicorn writes the head at once and the body behind it, a system call and a packet each, and asks two patterns of
    each header: a tenth of an uncached request's CPU. ASGI has the head wait for a body anyway. So who fails between
    the two is answered 500.
    """

    _head: "ASGISendEvent | None" = None

    async def send(self, message: "ASGISendEvent") -> None:
        """Hold the head until there is a body, and send both; what is not that plain is sent as uvicorn does."""
        if self.response_started or self.disconnected:
            await super().send(message)
            return
        if message["type"] == "http.response.start":
            self._head = message
            return
        head, self._head = self._head, None
        whole = None if head is None else self._whole(head, message)
        if whole is None:
            if head is not None:
                await super().send(head)
            await super().send(message)
            return
        self.transport.write(whole)
        self.response_started = self.response_complete = True
        self.waiting_for_100_continue = False
        self.message_event.set()
        self.on_response()

    def _whole(self, head: Any, message: Any) -> bytes | None:  # noqa: ANN401 - of a union of typed dictionaries
        """Return the bytes of an answer that is one body with its length, on a connection that stays."""
        line = STATUS_LINE.get(head["status"])
        body: bytes = message.get("body", b"")
        is_plain = self.keep_alive and not self.access_log and not self.flow.write_paused
        if not is_plain or line is None or message.get("more_body") or self.scope["method"] == "HEAD":
            return None
        headers = [*self.default_headers, *head.get("headers", ())]
        fields = dict(headers)
        if fields.get(b"content-length") != b"%d" % len(body) or not _FRAMED_OTHERWISE.isdisjoint(fields):
            return None
        names = b"".join(fields)
        values = b"".join([value for _, value in headers])
        if not names.islower() or HEADER_RE.search(names) or HEADER_VALUE_RE.search(values):
            return None  # uvicorn corrects or refuses it
        return b"".join([line, b"\r\n".join(map(b": ".join, headers)), b"\r\n\r\n", body])
