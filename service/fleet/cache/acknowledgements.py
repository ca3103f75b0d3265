import asyncio
import itertools
from collections.abc import Iterator
from contextlib import contextmanager

from . import metrics
from .messages import Answer, Presence

TRUST_SECONDS = 1.5
"""How long a process trusts L1 after the last answered ping of its channel. So no write waits for longer either."""


class Acknowledgement:
    """The processes that have applied one message, and whether all that must have done so."""

    def __init__(self, number: int | None) -> None:
        self.number = number  # None: nobody is asked
        self.answered: set[bytes] = set()
        self.expected: set[bytes] | None = None
        self.receivers: int | None = None
        self.ended = asyncio.Event()

    def look(self) -> None:
        """End the wait if every process has answered that Redis gave the message to, or that is known to answer."""
        if self.receivers is None:
            return
        known_have = self.expected is not None and self.expected <= self.answered
        if known_have or len(self.answered) >= self.receivers:
            self.ended.set()


class Acknowledgements:
    """Makes each write of this process wait until every listening process has applied its message.

    Redis says how many processes it gave the message to. They answer with its number; this process counts itself when
    its own message comes back. The first write waits for that many answers. After that it is known who answers: the
    processes that have answered, and those that have said hello, as each does that begins to listen. A write waits for
    those that are known when its own message comes back: all earlier messages have arrived by then.

    A process that does not answer for 1.5 s (frozen, cut off, or of an older release) does not trust its L1 any more.
    Before it trusts L1 again, it empties it and says hello. So later writes need not wait for that process until then.
    """

    def __init__(self, sender: bytes) -> None:
        self._sender = sender
        self._numbers = itertools.count(1)
        self._is_open = False
        self._known: set[bytes] = set()
        self._knows_all = False
        self._awaited: dict[int, Acknowledgement] = {}

    def open(self) -> None:
        """Answers reach this process from now on; who else listens is not known."""
        self._is_open = True

    def close(self) -> None:
        """Answers reach this process no more: end all waits, and forget who was listening."""
        self._is_open = self._knows_all = False
        self._known.clear()
        for acknowledgement in self._awaited.values():
            acknowledgement.ended.set()
        self._awaited.clear()

    @contextmanager
    def expected(self) -> Iterator[Acknowledgement]:
        """Collect the answers to a message that is sent inside the block."""
        if not self._is_open:
            yield Acknowledgement(None)
            return
        number = next(self._numbers)
        acknowledgement = self._awaited[number] = Acknowledgement(number)
        try:
            yield acknowledgement
        finally:
            self._awaited.pop(number, None)

    async def wait(self, acknowledgement: Acknowledgement, receivers: int) -> None:
        """Wait until all `receivers` of the message have applied it; not at all if there is no other process."""
        if acknowledgement.number not in self._awaited or receivers <= 1:
            return
        acknowledgement.receivers = receivers
        acknowledgement.look()
        try:
            async with asyncio.timeout(TRUST_SECONDS):
                await acknowledgement.ended.wait()
        except TimeoutError:
            metrics.UNHEARD.inc()
        if acknowledgement.number in self._awaited:
            self._known -= (acknowledgement.expected or set()) - acknowledgement.answered
            self._knows_all = True

    def came_back(self, number: int) -> None:
        """Take note that this process's own message has come back."""
        if (acknowledgement := self._awaited.get(number)) is not None:
            acknowledgement.answered.add(self._sender)
            acknowledgement.expected = set(self._known) if self._knows_all else None
            acknowledgement.look()

    def answered(self, answer: Answer) -> None:
        """Take note that another process has applied some messages."""
        self._known.add(answer.sender)
        for number in answer.numbers:
            if (acknowledgement := self._awaited.get(number)) is not None:
                acknowledgement.answered.add(answer.sender)
                acknowledgement.look()

    def met(self, presence: Presence) -> None:
        """Take note that another process has begun to listen, with an empty L1, or has ended."""
        if presence.listens:
            self._known.add(presence.sender)
        else:
            self._known.discard(presence.sender)
        for acknowledgement in self._awaited.values():
            if acknowledgement.expected is not None:  # it was there, and holds nothing any more from before
                acknowledgement.expected.discard(presence.sender)
                acknowledgement.look()
