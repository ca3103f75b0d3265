import asyncio
import itertools
from collections.abc import Iterator
from contextlib import contextmanager

from service.cache import metrics
from service.cache.messages import Answer, Presence

TRUST_SECONDS = 1.5
"""How long a process trusts L1 after the last ping of its channel that was answered; so no write waits for longer."""


class Acknowledgement:
    """Who has applied one message, and whether that is everybody who must."""

    def __init__(self, number: int | None) -> None:
        self.number = number  # None: nobody is asked
        self.answered: set[bytes] = set()
        self.expected: set[bytes] | None = None
        self.receivers: int | None = None
        self.ended = asyncio.Event()

    def look(self) -> None:
        """End it if all have answered to whom Redis gave the message, or all who are known to answer."""
        if self.receivers is None:
            return
        known_have = self.expected is not None and self.expected <= self.answered
        if known_have or len(self.answered) >= self.receivers:
            self.ended.set()


class Acknowledgements:
    """Has each write of this process wait until every process that listens has applied its message.

    Redis says how many it gave the message to. They answer with its number, this process by seeing it come back. The
    first write waits for as many answers. From then on it is known who answers: those who have, and who says hello
    since, as each does that begins to listen. A write waits for those who were known as its message came back, as all
    that Redis was told before it has come by then.

    Who does not answer for 1.5 s (frozen, cut off, of an older release) no longer trusts L1, if it has one that trusts
    anything; to trust it again it must empty it and say hello. So later writes do not wait for it until it is heard.
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
        """None does any more: nobody waits for one, and who has listened till now is past."""
        self._is_open = self._knows_all = False
        self._known.clear()
        for acknowledgement in self._awaited.values():
            acknowledgement.ended.set()
        self._awaited.clear()

    @contextmanager
    def expected(self) -> Iterator[Acknowledgement]:
        """Take note of answers to a message that is sent inside."""
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
        """Wait until the message, given to so many by Redis, was applied; not where there is nobody else."""
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
