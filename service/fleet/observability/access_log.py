import logging
import random
from http import HTTPStatus
from time import perf_counter

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..http.state_key import StateKey
from ..names import ACCESS_LOG
from .logging import request_id as request_id_variable
from .spent import SPENT_SECONDS

logger = logging.getLogger(ACCESS_LOG)

REFUSED = StateKey[bool]("refused")
"""Said of what the service did not fail, though its status looks so: an overload has too many for a line each."""


class AccessLog:
    """Logs a share of the requests, and every one that the service failed.

    The query string and headers stay out: they are where clients put secrets.
    """

    def __init__(self, sample_ratio: float) -> None:
        self._sample_ratio = sample_ratio

    def record(self, scope: Scope, status: int, seconds: float, request_id: bytes | None = None) -> None:
        """Log one answered request, if it is in the sample; `request_id` where its context variable isn't set."""
        is_failure = status >= HTTPStatus.INTERNAL_SERVER_ERROR and not REFUSED.get(scope)
        if not is_failure and random.random() >= self._sample_ratio:  # noqa: S311 - no secret
            return
        client = scope.get("client")
        fields: dict[str, object] = {
            "method": scope["method"],
            "path": scope["path"],
            "status": status,
            "duration_seconds": round(seconds, 6),
            "peer": client[0] if client else None,
        }
        if request_id is not None:
            fields[request_id_variable.name] = request_id.decode("ascii")
        logger.info("%s %s %d", scope["method"], scope["path"], status, extra=fields)


class AccessLogMiddleware:
    """Records each request that passes, also one that ends in an exception."""

    def __init__(self, app: ASGIApp, *, log: AccessLog) -> None:
        self._app = app
        self._log = log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and note how it went."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = perf_counter()
        status = int(HTTPStatus.INTERNAL_SERVER_ERROR)  # what ServerErrorMiddleware will answer if nobody did

        async def send_noting_status(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, send_noting_status)
        finally:
            seconds = perf_counter() - started + (SPENT_SECONDS.get(scope) or 0)
            self._log.record(scope, status, seconds)
