import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


class Readiness:
    """Whether this process wants traffic: from the end of its start until it is told to stop."""

    def __init__(self) -> None:
        self.is_ready = False
        self.is_draining = False

    def drain(self) -> None:
        """Ask for no more traffic."""
        self.is_ready = False
        self.is_draining = True

    @contextmanager
    def draining_on_sigterm(self, delay_seconds: float, on_drain: Callable[[], None]) -> Iterator[None]:
        """Put `delay_seconds` of draining before what the server does on SIGTERM, which is to stop listening at once.

        In that time /readyz answers 503 and answers end their connections, so that proxies and endpoint lists learn of
        the end before it comes. `on_drain` is called at its beginning. A second SIGTERM stops without delay. granian's
        workers get SIGTERM by their loop, past Python's handlers: there readiness turns, and the delay is left to the
        pod's preStop hook.
        """
        loop = asyncio.get_running_loop()
        server_handler = signal.getsignal(signal.SIGTERM)
        if not callable(server_handler):  # nobody handles it: under a test client, say
            yield
            return

        def begin(signal_number: int, frame: FrameType | None) -> None:
            self.drain()
            signal.signal(signal.SIGTERM, server_handler)
            loop.call_soon_threadsafe(on_drain)
            loop.call_soon_threadsafe(loop.call_later, delay_seconds, server_handler, signal_number, frame)

        signal.signal(signal.SIGTERM, begin)
        try:
            yield
        finally:
            signal.signal(signal.SIGTERM, server_handler)
