import asyncio
import heapq
import itertools
import selectors
from collections.abc import Sequence
from typing import Any, NamedTuple

from starlette.types import Message, Receive, Scope, Send

from service.fleet.observability.metrics import of_no_route
from service.fleet.overload import InFlight, InFlightMiddleware
from tests.asgi import http_scope

REFUSAL_SECONDS = 0.00005


class Answer(NamedTuple):
    """One request's end."""

    came_at: float
    status: int
    seconds: float


class Machine:
    """A core whose time passes only by what is done on it: so an overload is the same on every machine.

    A request costs `cost_seconds` of it, reading and refusing one REFUSAL_SECONDS each.
    """

    def __init__(self, cost_seconds: float) -> None:
        self.now = 1000.0
        self._cost_seconds = cost_seconds
        self._answers: list[Answer] = []

    def answer(self, requests: InFlight, came_at: Sequence[float], pauses: dict[float, float]) -> list[Answer]:
        """Have requests come, while the core is taken away at some times for so long; returns how they ended."""
        layer = InFlightMiddleware(self._serve, in_flight=requests, metrics=of_no_route(is_traced=False))
        loop = asyncio.SelectorEventLoop(_Selector(self))
        loop.time = lambda: self.now  # type: ignore[method-assign] # what the loop's own timers go by
        try:
            loop.run_until_complete(self._take(layer, came_at, pauses))
        finally:
            loop.close()
        return self._answers

    async def _take(self, layer: InFlightMiddleware, came_at: Sequence[float], pauses: dict[float, float]) -> None:
        """Turn to what came since the last turn, all of it, as an event loop does."""
        began, tasks = self.now, []
        events: list[tuple[float, int, float]] = []
        numbers = itertools.count()
        for at in came_at:
            heapq.heappush(events, (at, next(numbers), 0.0))
        for at, seconds in pauses.items():
            heapq.heappush(events, (at, next(numbers), seconds))
        while events:
            await asyncio.sleep(max(0.0, began + events[0][0] - self.now))
            while events and began + events[0][0] <= self.now:
                at, _, pause_seconds = heapq.heappop(events)
                if pause_seconds:
                    self.now += pause_seconds
                else:
                    tasks.append(asyncio.create_task(self._ask(layer, began + at, at)))
        await asyncio.gather(*tasks)

    async def _ask(self, layer: InFlightMiddleware, at: float, came_at: float) -> None:
        self.now += REFUSAL_SECONDS
        status = 0

        async def receive() -> Message:
            raise AssertionError

        async def send(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)

        await layer(http_scope(), receive, send)
        if status == 503:
            self.now += REFUSAL_SECONDS
        self._answers.append(Answer(came_at, status, self.now - at))

    async def _serve(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        self.now += self._cost_seconds / 2
        await asyncio.sleep(0.001)  # a database
        self.now += self._cost_seconds / 2
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})


class _Selector(selectors.DefaultSelector):
    """Waits for nothing: what is waited for has come."""

    def __init__(self, machine: Machine) -> None:
        super().__init__()
        self._machine = machine

    def select(self, timeout: float | None = None) -> Any:  # noqa: ANN401 - the library's
        """Let so much time pass."""
        self._machine.now += max(0.0, timeout or 0.0)
        return super().select(0)
