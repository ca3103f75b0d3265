from collections.abc import Iterable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

Headers = list[tuple[bytes, bytes]]


def http_scope(path: str = "/", *, method: str = "GET", headers: Headers | None = None) -> Scope:
    """What a server hands over for a request."""
    return {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": b"",
        "headers": headers or [],
        "client": ("192.0.2.1", 50000),
    }


async def answer(_scope: Scope, _receive: Receive, send: Send) -> None:
    """An application that says ok."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


async def call(app: ASGIApp, scope: Scope, body: Iterable[bytes] = ()) -> list[Message]:
    """Send one request with a body in chunks, and return the messages of its answer."""
    chunks = [*body, b""]
    sent: list[Message] = []

    async def receive() -> Message:
        chunk = chunks.pop(0)
        return {"type": "http.request", "body": chunk, "more_body": bool(chunks)}

    async def send(message: Message) -> None:
        sent.append(message)

    await app(scope, receive, send)
    return sent
