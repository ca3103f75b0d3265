import re
import secrets

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..http.headers import REQUEST_ID, field
from . import logging

# What a proxy in front sends; anything else could forge log lines.
_ACCEPTED = re.compile(rb"[A-Za-z0-9._-]{8,128}")


def accept_or_make(incoming: bytes | None) -> bytes:
    """Return the caller's request id if it is a plain one, else a new one of 128 random bits."""
    if incoming is not None and _ACCEPTED.fullmatch(incoming) is not None:
        return incoming
    return secrets.token_hex(16).encode()


class RequestIdMiddleware:
    """Gives each request an id, in its logs and its answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on within the id's context."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = accept_or_make(field(scope, REQUEST_ID))
        logging.request_id.set(request_id.decode())

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), (REQUEST_ID, request_id)]
            await send(message)

        await self._app(scope, receive, send_with_id)
