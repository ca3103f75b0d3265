from collections.abc import Mapping
from time import perf_counter

from starlette.types import ASGIApp, Receive, Scope, Send

from ..observability.metrics import OPERATIONAL_PATHS, RequestMetrics, method_label
from .in_flight import ADMITTED, InFlight
from .refusal import refusal


class InFlightMiddleware:
    """Answers 503 to what has to wait too long for its turn.

    `metrics` are told of what is refused: what counts requests otherwise is further in, where a refusal costs more.
    """

    def __init__(self, app: ASGIApp, *, in_flight: InFlight, metrics: Mapping[str, RequestMetrics]) -> None:
        self._app = app
        self._in_flight = in_flight
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 503 or pass on."""
        # Who looks after the service is answered above all when it has too much to do.
        if scope["type"] != "http" or scope["path"] in OPERATIONAL_PATHS or ADMITTED.get(scope):
            await self._app(scope, receive, send)
            return
        began = perf_counter()
        if await self._in_flight.enter():
            try:
                await self._app(scope, receive, send)
            finally:
                self._in_flight.leave()
            return
        status, headers, body = refusal(scope)
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})
        self._metrics[method_label(scope["method"])].observe(status, perf_counter() - began)
