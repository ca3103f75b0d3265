import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

from service.fleet.line import Line
from service.fleet.supervision import Jobs

C = TypeVar("C")

# Nobody waits so long for a connection; who waits takes one that is given back meanwhile.
PATIENCE_SECONDS = 5.0
REST_SECONDS = 1.0


class Opener(Generic[C]):
    """Opens connections one at a time for those who wait; each gets what comes first, a new one or one given back.

    To log in takes several rounds, and computing at both ends, so that many at once all come too late, and so do the
    requests beside them. One that nobody waits for any more is finished nevertheless, and kept. While there are others
    it may take `PATIENCE_SECONDS`, and so may the first of all; else `limit_seconds`. `on_failed` is told once of one
    that failed, and how many `others` there are: with none it failed all who waited, else nobody.
    """

    def __init__(
        self,
        open_one: Callable[[float], Coroutine[Any, Any, C]],
        *,
        limit_seconds: Callable[[], float],
        others: Callable[[], int],
        on_opened: Callable[[C], None],
        on_failed: Callable[[Exception, int], None],
    ) -> None:
        self._open_one = open_one
        self._limit_seconds = limit_seconds
        self._others = others
        self._on_opened = on_opened
        self._on_failed = on_failed
        self._jobs = Jobs("database_connect")
        self._opening: asyncio.Task[None] | None = None
        # Given a connection, or the error to raise: after an error that a future raises, Python 3.11 traces too little.
        self._line: Line[C | Exception] = Line(self._keep)
        self._is_first = True
        self._rest: asyncio.TimerHandle | None = None

    @property
    def waiting(self) -> int:
        """How many wait for a connection."""
        return len(self._line)

    @property
    def is_opening(self) -> bool:
        """Whether a connection is being opened."""
        return self._opening is not None and not self._opening.done()

    async def wait(self, deadline: float, *, ahead: bool = False) -> C:
        """Return a connection by `deadline` (of the loop's clock); `ahead` of all who wait.

        Raises:
            TimeoutError: none came.
            Exception: none could be opened, and there are no others to wait for.
        """
        turn = self._line.join(ahead=ahead)
        self.look()
        outcome = await self._line.turn(turn, deadline)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def offer(self, connection: C) -> bool:
        """Hand a connection to who has waited longest; tells whether anybody has."""
        return self._line.hand(connection)

    def look(self) -> None:
        """Begin to open one if that is due: somebody waits, and none is being opened."""
        is_resting = self._rest is not None and self._others() > 0
        if self._line and not self.is_opening and not is_resting:
            self._opening = self._jobs.spawn(self._open())

    def begin_anew(self) -> None:
        """Give up the one being opened: it leads to where nobody wants to go any more."""
        if self._opening is not None:
            self._opening.cancel()
            self._opening = None
        self._end_rest()
        self.look()

    async def aclose(self) -> None:
        """Open none any more."""
        if self._opening is not None:
            self._opening.cancel()
        self._end_rest()
        await self._jobs.join()

    async def _open(self) -> None:
        is_patient = self._is_first or self._others() > 0
        try:
            connection = await self._open_one(PATIENCE_SECONDS if is_patient else self._limit_seconds())
        except Exception as error:  # noqa: BLE001 - those who wait are told
            self._opening, self._is_first = None, False
            self._fail(error)
        else:
            self._opening, self._is_first = None, False
            self._on_opened(connection)
        self.look()

    def _fail(self, error: Exception) -> None:
        if others := self._others():
            self._end_rest()
            self._rest = asyncio.get_running_loop().call_later(REST_SECONDS, self._wake)
        while not others and self._line.hand(error):
            pass
        self._on_failed(error, others)

    def _wake(self) -> None:
        self._rest = None
        self.look()

    def _end_rest(self) -> None:
        if self._rest is not None:
            self._rest.cancel()
            self._rest = None

    def _keep(self, outcome: C | Exception) -> None:
        if not isinstance(outcome, Exception):
            self._on_opened(outcome)
