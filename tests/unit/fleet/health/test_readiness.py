import asyncio
import signal
from collections.abc import Iterator
from types import FrameType

import pytest

from service.fleet.health.readiness import Readiness

pytestmark = pytest.mark.anyio


@pytest.fixture
def stopped() -> Iterator[asyncio.Event]:
    """Set by what stands for the server's own handler of SIGTERM."""
    event = asyncio.Event()

    def stop(_signal_number: int, _frame: FrameType | None) -> None:
        event.set()

    before = signal.signal(signal.SIGTERM, stop)
    yield event
    signal.signal(signal.SIGTERM, before)


def _nothing() -> None:
    """Let nothing go."""


async def test_the_server_stops_after_the_delay(stopped: asyncio.Event) -> None:
    """On SIGTERM the process is unready and drains at once, and says so; the server learns of it later."""
    readiness = Readiness()
    told = asyncio.Event()
    with readiness.draining_on_sigterm(0.05, told.set):
        readiness.is_ready = True
        signal.raise_signal(signal.SIGTERM)
        assert (readiness.is_ready, readiness.is_draining) == (False, True)
        assert not stopped.is_set()
        await asyncio.wait_for(told.wait(), 10)
        await asyncio.wait_for(stopped.wait(), 10)


async def test_a_second_signal_stops_at_once(stopped: asyncio.Event) -> None:
    """Who is in a hurry need not wait for the delay."""
    with Readiness().draining_on_sigterm(3600, _nothing):
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGTERM)
        assert stopped.is_set()


async def test_the_servers_handler_is_put_back(stopped: asyncio.Event) -> None:
    """Outside the block the signal is the server's again."""
    handler = signal.getsignal(signal.SIGTERM)
    with Readiness().draining_on_sigterm(1, _nothing):
        assert signal.getsignal(signal.SIGTERM) is not handler
    assert signal.getsignal(signal.SIGTERM) is handler
    assert not stopped.is_set()


async def test_without_a_server_nothing_is_handled() -> None:
    """Under a test client the signal keeps its default."""
    before = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    with Readiness().draining_on_sigterm(1, _nothing):
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    signal.signal(signal.SIGTERM, before)
