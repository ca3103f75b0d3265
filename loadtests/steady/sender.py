import selectors
import time
from collections import deque
from collections.abc import Callable

from loadtests.steady.client import Client
from loadtests.steady.origin import Origin

# A selector waits whole milliseconds. What is sent so little late counts from when it was sent; what is sent later, as
# the machine was busy, from when it was due: it has waited.
GRAIN_SECONDS = 0.002
_LOOK_SECONDS = 0.1

Row = tuple[float, float, int, str, str, str]
COLUMNS = ("at_s", "duration_ms", "status", "error", "cache", "retry_after")


class Sender:
    """Sends requests when they are due, however the ones before are answered, by clients that take turns."""

    def __init__(self, origin: Origin, following: Callable[[], bytes], clients: int, cache_header: bytes) -> None:
        """Take where to, what writes the next request, how many may be under way, and a name of the cache's header."""
        self._following = following
        self._selector = selectors.DefaultSelector()
        self._free = deque(Client(origin, self._selector, cache_header, self._ended) for _ in range(clients))
        self._busy: set[Client] = set()
        self._wall = time.time() - time.monotonic()
        self.rows: list[Row] = []
        self.dropped = 0
        """Due, and never sent: all clients were waiting."""

    def run(self, rate: float, seconds: float, timeout_seconds: float) -> None:
        """Send so many a second for so long, and wait for the last answers."""
        try:
            self._run(rate, round(rate * seconds), timeout_seconds)
        finally:
            for client in (*self._free, *self._busy):
                client.close()
            self._selector.close()

    def _run(self, rate: float, planned: int, timeout_seconds: float) -> None:
        due = 0
        began = looked = time.monotonic()
        while due < planned or self._busy:
            now = time.monotonic()
            while due < planned and began + due / rate <= now:
                self._send(began + due / rate, now)
                due += 1
            if now - looked >= _LOOK_SECONDS:
                looked = now
                self._give_up(now - timeout_seconds)
            wait = began + due / rate - time.monotonic() if due < planned else _LOOK_SECONDS
            for key, _ in self._selector.select(max(0.0, min(wait, _LOOK_SECONDS))):
                key.data()

    def _send(self, due: float, now: float) -> None:
        if not self._free:
            self.dropped += 1
            return
        client = self._free.popleft()
        self._busy.add(client)
        client.send(self._following(), due if now - due > GRAIN_SECONDS else now)

    def _give_up(self, sent_before: float) -> None:
        for client in [each for each in self._busy if each.began < sent_before]:
            client.give_up("timed out")

    def _ended(self, client: Client) -> None:
        self._busy.discard(client)
        self._free.append(client)
        took = time.monotonic() - client.began
        self.rows.append(
            (self._wall + client.began, took * 1000, client.status, client.error, client.cache, client.retry_after)
        )
