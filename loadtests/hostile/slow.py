import asyncio
import contextlib
import time
from collections.abc import Sequence
from dataclasses import dataclass

from loadtests.hostile.wire import Address, answers

# A slow client's requests: a head that never ends, and a body that never does.
HEAD = b"GET /api/users/1 HTTP/1.1\r\nhost: localhost\r\nx-slow: "
BODY = (
    b"POST /api/users HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer %b\r\n"
    b"content-type: application/json\r\ncontent-length: 60000\r\n\r\n"
)


@dataclass(frozen=True)
class Held:
    """How long one slow connection lasted, whether it was cut, and the status that it got before, if any."""

    seconds: float
    status: int | None
    cut: bool


@dataclass(frozen=True)
class Siege:
    """What all slow connections of one attack got."""

    held: Sequence[Held]
    refused_connections: int
    most_open: int

    @property
    def uncut(self) -> int:
        """How many were still open when patience ended."""
        return sum(not each.cut for each in self.held)

    @property
    def longest_seconds(self) -> float:
        """The longest that one lasted."""
        return max((each.seconds for each in self.held), default=0)

    @property
    def statuses(self) -> list[int]:
        """The different statuses that were answered, in order."""
        return sorted({each.status for each in self.held if each.status is not None})


class Slowloris:
    """Slow connections, half with an endless head and half with an endless body, each begun anew when it is cut."""

    def __init__(self, to: Address, *, connections: int, token: str, patience_seconds: float) -> None:
        """Bear with each connection for `patience_seconds`; what is cut later counts as not cut."""
        self._to = to
        self._connections = connections
        self._token = token.encode()
        self._patience_seconds = patience_seconds
        self._held: list[Held] = []
        self._refused = self._open = self._most_open = 0

    async def run(self, seconds: float, byte_every_seconds: float = 1) -> Siege:
        """Hold on for `seconds`, then for as long as the last connections take."""
        end = time.monotonic() + seconds
        beginnings = (HEAD, BODY % self._token)
        async with asyncio.TaskGroup() as group:
            for number in range(self._connections):
                group.create_task(self._hold_on(beginnings[number % 2], end, byte_every_seconds))
                await asyncio.sleep(1 / self._connections)  # all within the first second
        return Siege(self._held, self._refused, self._most_open)

    async def _hold_on(self, beginning: bytes, end: float, byte_every_seconds: float) -> None:
        while time.monotonic() < end:
            try:
                reader, writer = await asyncio.open_connection(*self._to)
            except OSError:
                self._refused += 1
                await asyncio.sleep(byte_every_seconds)
                continue
            self._open += 1
            self._most_open = max(self._most_open, self._open)
            try:
                self._held.append(await self._trickle(reader, writer, beginning, byte_every_seconds))
            finally:
                self._open -= 1
                writer.close()
                with contextlib.suppress(OSError):
                    await writer.wait_closed()

    async def _trickle(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, beginning: bytes, byte_every_seconds: float
    ) -> Held:
        started = time.monotonic()
        answer = asyncio.create_task(_read_to_end(reader))
        writer.write(beginning)
        while not answer.done() and time.monotonic() - started < self._patience_seconds:
            writer.write(b"a")
            await asyncio.wait([answer], timeout=byte_every_seconds)
        seconds = time.monotonic() - started
        if not answer.done():
            answer.cancel()
            return Held(seconds, None, cut=False)
        status = next((each.status for each in answers(answer.result())), None)
        return Held(seconds, status, cut=True)


async def _read_to_end(reader: asyncio.StreamReader) -> bytes:
    received = bytearray()
    with contextlib.suppress(OSError):  # a reset is an end as well
        while chunk := await reader.read(4096):
            received += chunk
    return bytes(received)
