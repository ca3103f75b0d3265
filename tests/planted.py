"""`python planted.py SLOTS MILLISECONDS SPIN PORT`: an application that can do SLOTS requests in MILLISECONDS.

Requests wait for each other at a semaphore; then each keeps the process busy for the share SPIN of its time, 0 to 1,
and sleeps for the rest. All of it is by the clock of the wall: what else the machine does takes nothing from the
capacity. An experiment runs the text of this file in an image that has no more of this repository: it imports nothing
of it.
"""

import asyncio
import heapq
import sys
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import uvicorn

Message = MutableMapping[str, Any]


class Planted:
    """The ASGI application. It counts what it has answered, for an autoscaler."""

    def __init__(self, slots: int, seconds: float, spin: float) -> None:
        self._semaphore = asyncio.Semaphore(slots)
        self._free_at = [0.0] * slots
        self._seconds = seconds
        self._spin = spin
        self._answered = 0

    async def __call__(
        self,
        scope: Message,
        receive: Callable[[], Awaitable[Message]],  # noqa: ARG002 - bodies are not read
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        """Answer with text: /metrics and /healthz at once, all else after the work."""
        body = b"planted\n"
        if scope["path"] == "/metrics":
            body = b'planted_requests_total{status="200"} %d\n' % self._answered
        elif scope["path"] != "/healthz":
            await self._work()
            self._answered += 1
        headers = [(b"content-type", b"text/plain; version=0.0.4"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _work(self) -> None:
        came_at = time.monotonic()
        async with self._semaphore:
            # From when the slot was to be free, not from when a late timer came.
            begun = max(came_at, heapq.heappop(self._free_at))
            end = begun + self._seconds
            try:
                while time.monotonic() < begun + self._spin * self._seconds:
                    pass
                await asyncio.sleep(end - time.monotonic())
            finally:
                heapq.heappush(self._free_at, end)


def main() -> None:
    """Serve until SIGTERM."""
    slots, milliseconds, spin, port = sys.argv[1:]
    app = Planted(int(slots), float(milliseconds) / 1000, float(spin))
    uvicorn.run(app, host="0.0.0.0", port=int(port), lifespan="off", access_log=False, log_level="warning")  # noqa: S104


if __name__ == "__main__":
    main()
