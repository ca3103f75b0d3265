import asyncio
from collections.abc import Callable
from typing import Literal

from service.fleet.line import Line

Refusal = Literal["full", "waited"]


class GateClosedError(Exception):
    """All places are taken, and so many wait, or this one has for so long, that there is no use in waiting."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__("too many wait already" if refusal == "full" else "no place within the time limit")
        self.refusal: Refusal = refusal


class Gate:
    """Lets `places` in at a time and `max_waiting` wait their turn, each for `wait_seconds` unless it may be patient.

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
        self._line: Line[Literal[True]] = Line(lambda _: self._pass_on())
        self.in_use = 0

    @property
    def waiting(self) -> int:
        """How many wait."""
        return len(self._line)

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

    async def enter(self, *, ahead: bool = False, patient_until: float | None = None) -> None:
        """Take a place, `ahead` of all who wait; each must be left once.

        `patient_until` (of the loop's clock) is how long one may wait where that is no sign of an overload.

        Raises:
            GateClosedError: there is none.
            TimeoutError: none came until then.
        """
        if not self.enter_at_once():
            await self._wait(ahead=ahead, patient_until=patient_until)
            self.in_use += 1
            self._on_change(self)

    def leave(self) -> None:
        """Hand the place to who has waited longest."""
        self.in_use -= 1
        self._pass_on()
        self._on_change(self)

    async def _wait(self, *, ahead: bool, patient_until: float | None) -> None:
        if self.waiting >= self._max_waiting and not ahead:
            raise GateClosedError("full")
        turn = self._line.join(ahead=ahead)
        self._on_change(self)
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            await self._line.turn(turn, began + self._wait_seconds if patient_until is None else patient_until)
        except TimeoutError:
            self._on_change(self)
            if patient_until is not None:
                raise
            raise GateClosedError("waited") from None
        finally:
            self._on_waited(loop.time() - began)

    def _pass_on(self) -> None:
        if not self._line.hand(True):  # noqa: FBT003 - a place, of which there is one kind
            self._free += 1
