import asyncio
from collections import OrderedDict
from collections.abc import Callable
from typing import Literal

Refusal = Literal["full", "waited"]


class GateClosedError(Exception):
    """All places are taken, and so many wait, or this one has for so long, that there is no use in waiting."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__("too many wait already" if refusal == "full" else "no place within the time limit")
        self.refusal: Refusal = refusal


class Gate:
    """Lets `places` in at a time and `max_waiting` wait their turn, each for `wait_seconds` at most.

    A queue without bounds turns an overload of a second into a backlog that nobody waits for any more. `on_waited` is
    told the seconds of each wait, in vain or not.
    """

    def __init__(
        self,
        places: int,
        *,
        max_waiting: int,
        wait_seconds: float,
        on_change: Callable[["Gate"], None],
        on_waited: Callable[[float], None],
    ) -> None:
        self._free = places
        self._on_waited = on_waited
        self._max_waiting = max_waiting
        self._wait_seconds = wait_seconds
        self._on_change = on_change
        self._waiting: OrderedDict[asyncio.Future[bool], None] = OrderedDict()  # as they came
        self.in_use = 0

    @property
    def waiting(self) -> int:
        """How many wait."""
        return len(self._waiting)

    @property
    def has_place(self) -> bool:
        """Whether `enter` would not wait."""
        return self._free > 0

    def enter_at_once(self) -> bool:
        """Take a place, to be left once, if one is free; tells whether one was."""
        if not self._free:
            return False
        self._free -= 1
        self.in_use += 1
        self._on_change(self)
        return True

    async def enter(self, *, ahead: bool = False) -> None:
        """Take a place, `ahead` of all who wait; each must be left once.

        Raises:
            GateClosedError: there is none.
        """
        if not self.enter_at_once():
            await self._wait(ahead=ahead)
            self.in_use += 1
            self._on_change(self)

    def leave(self) -> None:
        """Hand the place to who has waited longest."""
        self.in_use -= 1
        self._pass_on()
        self._on_change(self)

    async def _wait(self, *, ahead: bool) -> None:
        if len(self._waiting) >= self._max_waiting and not ahead:
            raise GateClosedError("full")
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[bool] = loop.create_future()
        self._waiting[turn] = None
        self._waiting.move_to_end(turn, last=not ahead)
        self._on_change(self)
        began = loop.time()
        timer = loop.call_later(self._wait_seconds, self._refuse, turn)
        try:
            has_place = await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.result():  # the place came in the very same moment
                self._pass_on()
            raise
        finally:
            timer.cancel()
            self._waiting.pop(turn, None)
            self._on_waited(loop.time() - began)
        if not has_place:
            self._on_change(self)
            raise GateClosedError("waited")

    def _pass_on(self) -> None:
        while self._waiting:
            turn, _ = self._waiting.popitem(last=False)
            if not turn.done():  # or it was cancelled, or refused, in this very moment
                turn.set_result(True)
                return
        self._free += 1

    @staticmethod
    def _refuse(turn: "asyncio.Future[bool]") -> None:
        if not turn.done():  # or its place came in this very moment
            turn.set_result(False)
