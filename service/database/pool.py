import asyncio
from collections.abc import Callable

from service.database import metrics
from service.database.config import DatabaseConfig
from service.database.gate import Gate
from service.database.login import Connection, Login
from service.database.opener import PATIENCE_SECONDS, Opener
from service.database.query import Query
from service.fleet.supervision import Jobs

SHOW_SECONDS = 0.1  # far below the time between two scrapes
# asyncpg lets no statement begin before the one cancelled has ended.
SETTLE = Query("settle", "SELECT 1")


class ConnectionPool:
    """One server's connections behind a gate: made when needed, the one used last first, closed when idle for long.

    asyncpg's own pool costs 40 % of a look-up's rate even without its reset, for tasks and shields around each release.
    Here only a connection whose statement was cancelled takes a task, which keeps its place until the server has
    acknowledged that; one that does not within `operation_timeout_seconds` is closed, and `on_silence` is told of it.
    `on_failed` is told why none could be opened, and how many others there are. While the server `is_away` no request
    waits for it.
    """

    def __init__(
        self,
        config: DatabaseConfig,
        target: str,
        *,
        on_silence: Callable[[Connection, Exception], None],
        on_failed: Callable[[Exception, int], None],
        is_away: Callable[[], bool],
    ) -> None:
        self._on_silence = on_silence
        self._is_away = is_away
        self._config = config
        self._log_in = Login(config, target)
        self._in_use = metrics.POOL_IN_USE.labels(target)
        self._waiting = metrics.POOL_WAITING.labels(target)
        self._idle_gauge = metrics.POOL_IDLE.labels(target)
        metrics.POOL_SIZE.labels(target).set(config.pool_size)
        self._gate = Gate(
            config.pool_size,
            max_waiting=config.max_waiting,
            wait_seconds=config.wait_seconds,
            on_change=self._show,
            on_waited=metrics.WAIT_SECONDS.labels(target).observe,
        )
        self._opener = Opener(
            self._open,
            limit_seconds=self.log_in_seconds,
            others=lambda: self._gate.in_use - self._opener.waiting,
            on_opened=self._put,
            on_failed=on_failed,
        )
        self._idle: list[Connection] = []
        self._generation = 0
        self._jobs = Jobs("database_connections")
        self.is_draining = False
        self._shown_soon: asyncio.TimerHandle | None = None

    @property
    def has_place(self) -> bool:
        """Whether `take` would not wait for another statement's end."""
        return self._gate.has_place

    @property
    def in_use(self) -> int:
        """How many connections are neither idle nor gone."""
        return self._gate.in_use

    def log_in_seconds(self) -> float:
        """How long one may take that all wait for."""
        # On a busy machine one that is begun anew each time never ends. Of several hosts the next is waiting.
        may_take_long = self._is_away() and not self._log_in.has_choice
        return PATIENCE_SECONDS if may_take_long else self._config.connect_timeout_seconds

    def take_idle(self) -> Connection | None:
        """Return a connection that is there, to be given back; None where that takes waiting or connecting.

        Without a coroutine, as nearly all statements come by here.
        """
        if not self._idle or not self._gate.enter_at_once():
            return None
        connection = self._pop_idle()
        if connection is None:
            self._gate.leave()
        return connection

    async def take(self, deadline: float, *, ahead: bool = False) -> Connection:
        """Return a connection by `deadline` (of the loop's clock), to be given back.

        `ahead` of all who wait, for what the service itself has to know.

        Raises:
            GateClosedError: all are in use, and will be.
            TimeoutError: none came in time.
            Exception: what the login came to, where there is no other connection.
        """
        # Those who have a place may be waiting for a log-in too: where that takes long, there is no backlog yet.
        await self._gate.enter(ahead=ahead, patient_until=deadline if self._opener.is_opening else None)
        try:
            return self._pop_idle() or await self._opener.wait(deadline, ahead=ahead)
        except BaseException:
            self._gate.leave()
            raise

    def give_back(self, connection: Connection) -> None:
        """Hand on a connection whose statement has ended, or put it aside."""
        if self.is_draining and not self._gate.waiting and not self._opener.waiting:
            self._jobs.spawn(self._close_and_leave(connection))
            return
        self._put(connection)
        self._leave()

    def give_back_unsettled(self, connection: Connection) -> None:
        """Put aside a connection whose statement was cancelled, once the server has let go of it."""
        self._jobs.spawn(self._settle(connection))

    def lose(self, connection: Connection) -> None:
        """Expire what was opened before this one failed; not what was opened since, if others have failed before it."""
        if connection.generation == self._generation:
            self.expire()

    def expire(self) -> None:
        """Use none of the present connections again: they lead to a server that is no primary any more, or is gone."""
        self._generation += 1
        for connection in self._idle:
            connection.terminate()
        self._idle.clear()
        self._opener.begin_anew()
        self._show(self._gate)

    def close_idle(self, idle_seconds: float) -> None:
        """Close the connections that were not used for `idle_seconds`."""
        limit = asyncio.get_running_loop().time() - idle_seconds
        # The one used last is taken first, so those unused for long are at the beginning.
        while self._idle and self._idle[0].idle_since <= limit:
            self._jobs.spawn(self._close(self._idle.pop(0)))
        self._show(self._gate)

    def drain(self) -> None:
        """Keep no connection from now on: whoever needs one still gets it, and it is closed when it is given back.

        A server counts the connections of a process that ends as well, and those that take its place need them.
        """
        self.is_draining = True
        self.close_idle(0)

    async def aclose(self) -> None:
        """Close all connections; those in use when they are given back."""
        self.drain()
        await self._opener.aclose()
        await self._jobs.join()
        if self._shown_soon is not None:
            self._shown_soon.cancel()
        self._show_now(self._gate)

    def _pop_idle(self) -> Connection | None:
        while self._idle:
            connection = self._idle.pop()
            if not connection.is_closed():
                return connection
        return None

    def _put(self, connection: Connection) -> None:
        """Hand a connection that nobody uses to who waits for one, or put it aside; close it if it is of no use."""
        if connection.generation != self._generation:
            connection.terminate()
        elif connection.is_closed() or self._opener.offer(connection):
            return
        elif self.is_draining and not self._gate.waiting:
            self._jobs.spawn(self._close(connection))
        else:
            connection.idle_since = asyncio.get_running_loop().time()
            self._idle.append(connection)

    async def _open(self, seconds: float) -> Connection:
        generation = self._generation
        try:
            connection = await self._log_in(seconds)
        except TimeoutError as error:  # unlike a request's own, this limit speaks against the server
            raise ConnectionError("no log-in within its time limit") from error
        connection.generation = generation
        return connection

    async def _settle(self, connection: Connection) -> None:
        try:
            await connection.execute(SETTLE.sql, timeout=self._config.operation_timeout_seconds)
        except Exception as error:  # noqa: BLE001 - whatever it is, this connection is of no use
            connection.terminate()
            self._on_silence(connection, error)
        self.give_back(connection)

    async def _close_and_leave(self, connection: Connection) -> None:
        """Close it before its place is free: who takes that makes another one."""
        await self._close(connection)
        self._leave()

    def _leave(self) -> None:
        """Free a place, whose connection may be gone: those who wait for one to be given back may need a new one."""
        self._gate.leave()
        self._opener.look()

    async def _close(self, connection: Connection) -> None:
        try:
            await connection.close(timeout=self._config.connect_timeout_seconds)
        except Exception:  # noqa: BLE001 - it is being thrown away
            connection.terminate()

    def _show(self, gate: Gate) -> None:
        """Set the gauges soon, and not at each change: that would take a third of the pool's whole time."""
        if self._shown_soon is None:
            self._shown_soon = asyncio.get_running_loop().call_later(SHOW_SECONDS, self._show_now, gate)

    def _show_now(self, gate: Gate) -> None:
        self._shown_soon = None
        self._in_use.set(gate.in_use)
        self._waiting.set(gate.waiting)
        self._idle_gauge.set(len(self._idle))
