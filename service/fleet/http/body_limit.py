from http import HTTPStatus

from fastapi import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .headers import field


class BodyLimitMiddleware:
    """Refuses to read a request body beyond a size, announced or not, with 413.

    FastAPI's own `max_body_size` answers in plain text when the route has not read the body; here the error is raised
    from `receive` and becomes a problem document like any other. What nobody reads the server throws away.
    """

    def __init__(self, app: ASGIApp, *, max_bytes: int) -> None:
        self._app = app
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with a body that counts itself."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        received = 0

        async def receive_counted() -> Message:
            nonlocal received
            if received == 0 and _announced_bytes(scope) > self._max_bytes:
                raise self._too_large()  # before the server asks for it with 100 Continue
            message = await receive()
            received += len(message.get("body", b""))
            if received > self._max_bytes:
                raise self._too_large()
            return message

        await self._app(scope, receive_counted, send)

    def _too_large(self) -> HTTPException:
        detail = f"The body has more than {self._max_bytes} bytes."
        return HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail)


def _announced_bytes(scope: Scope) -> int:
    length = field(scope, b"content-length") or b""
    return int(length) if length.isdigit() else 0
