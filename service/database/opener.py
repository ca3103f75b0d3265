import asyncio
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

from service.supervision import Jobs

C = TypeVar("C")

# Nobody waits so long for a connection; who waits takes one that is given back meanwhile.
PATIENCE_SECONDS = 5.0
REST_SECONDS = 1.0


class Opener(Generic[C]):
    """Opens connections one at a time for those who wait; each gets what comes first, a new one or one given back.

    To log in takes several rounds, and computing at both ends, so that many at once all come too late, and so do the
    requests beside them. One that nobody waits for any more is finished nevertheless, and kept. While there are others
    it may take `PATIENCE_SECONDS`, and so may the first of all; else `timeout_seconds`.
    """

    def __init__(
        self,
        open_one: Callable[[float], Coroutine[Any, Any, C]],
        *,
        timeout_seconds: float,
        has_others: Callable[[], bool],
        on_opened: Callable[[C], None],
        on_spared: Callable[[Exception], None],
    ) -> None:
        self._open_one = open_one
        self._timeout_seconds = timeout_seconds
        self._has_others = has_others
        self._on_opened = on_opened
        self._on_spared = on_spared
        self._jobs = Jobs("database_connect")
        self._opening: asyncio.Task[None] | None = None
        self._waiting: OrderedDict[asyncio.Future[C], None] = OrderedDict()
        self._is_first = True
        self._rests_until = 0.0

    @property
    def waiting(self) -> int:
        """How many wait for a connection."""
        return len(self._waiting)

    async def wait(self, deadline: float) -> C:
        """Return a connection by `deadline` (of the loop's clock).

        Raises:
            TimeoutError: none came.
            Exception: none could be opened, and there are no others to wait for.
        """
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[C] = loop.create_future()
        self._waiting[turn] = None
        timer = loop.call_at(deadline, self._refuse, turn)
        self.look()
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.exception() is None:  # it came in the very same moment
                self._on_opened(turn.result())
            raise
        finally:
            timer.cancel()
            self._waiting.pop(turn, None)

    def offer(self, connection: C) -> bool:
        """Hand a connection to who has waited longest; tells whether anybody has."""
        while self._waiting:
            turn, _ = self._waiting.popitem(last=False)
            if not turn.done():  # or it was cancelled, or refused, in this very moment
                turn.set_result(connection)
                return True
        return False

    def look(self) -> None:
        """Begin to open one if that is due: somebody waits, and none is being opened."""
        is_resting = self._has_others() and asyncio.get_running_loop().time() < self._rests_until
        if self._waiting and self._opening is None and not is_resting:
            self._opening = self._jobs.spawn(self._open())

    def begin_anew(self) -> None:
        """Give up the one being opened: it leads to where nobody wants to go any more."""
        if self._opening is not None:
            self._opening.cancel()
            self._opening = None
        self.look()

    async def aclose(self) -> None:
        """Open none any more."""
        if self._opening is not None:
            self._opening.cancel()
        await self._jobs.join()

    async def _open(self) -> None:
        is_patient = self._has_others() or self._is_first
        try:
            connection = await self._open_one(PATIENCE_SECONDS if is_patient else self._timeout_seconds)
        except Exception as error:  # noqa: BLE001 - those who wait are told
            self._opening = None
            self._fail(error)
        else:
            self._opening = None
            self._on_opened(connection)
        self._is_first = False
        self.look()

    def _fail(self, error: Exception) -> None:
        if self._has_others():
            self._rests_until = asyncio.get_running_loop().time() + REST_SECONDS
            self._on_spared(error)
            return
        while self._waiting:
            turn, _ = self._waiting.popitem(last=False)
            if not turn.done():
                turn.set_exception(error)

    @staticmethod
    def _refuse(turn: asyncio.Future[C]) -> None:
        if not turn.done():  # or one came in this very moment
            turn.set_exception(TimeoutError())
