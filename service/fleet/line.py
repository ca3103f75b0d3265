import asyncio
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Line(Generic[T]):
    """Those who wait for something, as they came: who has waited longest is handed it first.

    `on_unclaimed` gets what was handed to one who was cancelled in that very moment.
    """

    def __init__(self, on_unclaimed: Callable[[T], None]) -> None:
        self._on_unclaimed = on_unclaimed
        self._turns: OrderedDict[asyncio.Future[T | None], None] = OrderedDict()

    def __len__(self) -> int:
        return len(self._turns)

    def join(self, *, ahead: bool = False) -> asyncio.Future[T | None]:
        """Return a turn, to be awaited by `turn`; `ahead` of all who wait."""
        turn: asyncio.Future[T | None] = asyncio.get_running_loop().create_future()
        self._turns[turn] = None
        self._turns.move_to_end(turn, last=not ahead)
        return turn

    async def turn(self, turn: asyncio.Future[T | None], deadline: float) -> T:
        """Wait until it comes, at `deadline` (of the loop's clock) at the latest.

        Raises:
            TimeoutError: it has not come.
        """
        timer = asyncio.get_running_loop().call_at(deadline, self._tell, turn, None)
        try:
            handed = await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and (handed := turn.result()) is not None:
                self._on_unclaimed(handed)
            raise
        finally:
            timer.cancel()
            self._turns.pop(turn, None)
        if handed is None:
            raise TimeoutError
        return handed

    def hand(self, thing: T) -> bool:
        """Hand something to who has waited longest; tells whether anybody has."""
        while self._turns:
            turn, _ = self._turns.popitem(last=False)
            if self._tell(turn, thing):
                return True
        return False

    @staticmethod
    def _tell(turn: asyncio.Future[T | None], thing: T | None) -> bool:
        """Whether it still waits; it may have been cancelled, or its time have been over, in this very moment."""
        if turn.done():
            return False
        turn.set_result(thing)
        return True
