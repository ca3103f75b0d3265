import asyncio
import logging
import random
from collections.abc import Awaitable
from time import perf_counter

from opentelemetry.trace import Tracer
from prometheus_client import Histogram

from service.database import metrics
from service.database.config import DatabaseConfig
from service.database.errors import (
    EXPIRES_CONNECTIONS,
    OPENS_BREAKER,
    DatabaseUnavailableError,
    Reason,
    ReplicaLagsError,
    ends_its_connection,
    reason_of,
    was_rolled_back,
)
from service.database.gate import GateClosedError
from service.database.login import MIN_TIMEOUT_SECONDS, PRIMARY, Connection
from service.database.opener import PATIENCE_SECONDS
from service.database.pool import SETTLE, ConnectionPool
from service.database.query import Arguments, Query, Record
from service.database.tracing import query_span
from service.fleet.circuit_breaker import BreakerMetrics, CircuitBreaker, State
from service.fleet.supervision import SupervisedTask

logger = logging.getLogger(__name__)

PROBE = Query("probe", "SELECT 1")
CONNECT = "connect"  # in the metrics beside the statements' names
# Up to where it has replayed the primary's log; not even to the beginning, if it follows none.
REPLAYED = Query(
    "replayed",
    "SELECT CASE WHEN pg_is_in_recovery() THEN (pg_last_wal_replay_lsn() - '0/0')::bigint ELSE -1 END AS position",
)


class Server:
    """One PostgreSQL server, which may be slow, full, gone, or no longer the primary.

    Raises `DatabaseUnavailableError` where there is no answer, and asyncpg's own errors where the answer is one.
    """

    def __init__(self, config: DatabaseConfig, *, target: str = PRIMARY, tracer: Tracer | None) -> None:
        self.target = target
        self._config = config
        self._tracer = tracer
        self.pool = ConnectionPool(
            config,
            target,
            on_silence=self._on_silence,
            on_failed=self._on_failed,
            is_away=lambda: self._breaker.is_open,
        )
        self._breaker = CircuitBreaker(
            f"database {target}",
            failures=config.breaker_failures,
            on_change=self._on_breaker_change,
            metrics=BreakerMetrics(metrics.AVAILABLE, metrics.BREAKER_TRANSITIONS, (target,)),
        )
        self._seconds: dict[str, Histogram] = {}
        self.background = SupervisedTask(f"database_{target}_probe", self._watch)
        self._last_success = 0.0

    @property
    def available(self) -> bool:
        """Whether statements are let through."""
        return not self._breaker.is_open

    @property
    def state(self) -> State:
        """The circuit breaker's state."""
        return self._breaker.state

    @property
    def is_draining(self) -> bool:
        """Whether connections are for requests alone, as the process ends."""
        return self.pool.is_draining

    async def start(self) -> None:
        """Connect once ahead of the first request, and begin to watch; never raises, whatever the server does.

        With more patience than later: a process that starts beside many others is slow, and has no requests yet.
        """
        if not await self._probe(PATIENCE_SECONDS):
            self._breaker.trip()
        self.background.start()

    def drain(self) -> None:
        """Keep no connection from now on."""
        self.pool.drain()

    async def aclose(self) -> None:
        """Stop watching and close the connections."""
        await self.background.aclose()
        await self.pool.aclose()

    def fetch(
        self, query: Query, arguments: Arguments, deadline: float, *, replayed: int | None = None, ahead: bool = False
    ) -> Awaitable[list[Record]]:
        """Return the rows of one statement, which is cancelled at `deadline` (of the loop's clock).

        A replica is asked only if it has `replayed` the primary's log up to there. `ahead` of all who wait.
        """
        if self._breaker.is_open:
            raise DatabaseUnavailableError("breaker", f"that of {self.target} is open")
        return self._carry_out(query, arguments, deadline, replayed=replayed, ahead=ahead)

    async def _carry_out(
        self, query: Query, arguments: Arguments, deadline: float, *, replayed: int | None = None, ahead: bool = False
    ) -> list[Record]:
        # In one piece: each read that no cache answers comes by here.
        connection = self.pool.take_idle() or await self._take(query, deadline, ahead=ahead)
        started = perf_counter()
        try:
            with query_span(self._tracer, query):
                if replayed is not None and connection.position < replayed:
                    await self._prove(connection, replayed, deadline)
                rows = await connection.fetch(query.sql, *arguments, timeout=_remaining_seconds(deadline))
        except BaseException as error:
            if isinstance(error, TimeoutError | asyncio.CancelledError):
                self.pool.give_back_unsettled(connection)
            else:
                self.pool.give_back(connection)
            if isinstance(error, Exception):
                reason = reason_of(error)
                if reason is not None:
                    if not self._is_of_one_connection(error):
                        if reason in EXPIRES_CONNECTIONS:
                            self.pool.lose(connection)
                        self._count(reason, error)
                    may_have_happened = not was_rolled_back(error)
                    raise self._unavailable(query, reason, error, may_have_happened=may_have_happened) from error
                self._observe(query, perf_counter() - started)
            raise
        self.pool.give_back(connection)
        self._observe(query, perf_counter() - started)
        self._breaker.record_success()
        self._last_success = asyncio.get_running_loop().time()
        return rows

    async def _take(self, query: Query, deadline: float, *, ahead: bool) -> Connection:
        """Wait for a connection, or make one."""
        try:
            return await self.pool.take(deadline, ahead=ahead)
        except GateClosedError as error:
            metrics.SHED.labels(self.target, error.refusal).inc()
            raise DatabaseUnavailableError("busy", str(error)) from error
        except Exception as error:
            reason = reason_of(error)
            if reason is None:
                raise
            raise self._unavailable(query, reason, error, may_have_happened=False) from error

    async def _prove(self, connection: Connection, replayed: int, deadline: float) -> None:
        """Ask before the statement: within it the answer could be later than what the statement sees."""
        connection.position = await connection.fetchval(REPLAYED.sql, timeout=_remaining_seconds(deadline))
        if connection.position < replayed:
            connection.terminate()  # behind one address there may be another server
            raise ReplicaLagsError("follows no primary" if connection.position < 0 else "lags behind")

    def _observe(self, query: Query, seconds: float) -> None:
        histogram = self._seconds.get(query.name)
        if histogram is None:
            histogram = self._seconds[query.name] = metrics.QUERY_SECONDS.labels(query.name, self.target)
        histogram.observe(seconds)
        if seconds >= self._config.slow_query_seconds:
            # Neither arguments nor rows: they are users' data.
            fields = {"query": query.name, "target": self.target, "duration_seconds": round(seconds, 6)}
            logger.warning("slow query %s", query.name, extra=fields)

    def _unavailable(
        self, query: Query, reason: Reason, error: Exception, *, may_have_happened: bool
    ) -> DatabaseUnavailableError:
        metrics.FAILURES.labels(self.target, query.name, reason).inc()
        if reason == "schema":
            logger.error("the database lacks what this version needs, run python -m service.migrate: %s", error)
        detail = f"{self.target}: {str(error) or 'time limit exceeded'}"
        return DatabaseUnavailableError(reason, detail, may_have_happened=may_have_happened)

    def _count(self, reason: Reason, error: Exception) -> None:
        """Let the breaker know of a failed statement or log-in, if that says anything of the server."""
        # Connections that it has no room for say little of a server that answers on others.
        if reason in OPENS_BREAKER or (reason == "full" and not self._has_answered_lately):
            self._breaker.cause = f"{reason}: {error}"
            self._breaker.record_failure()

    def _is_of_one_connection(self, error: Exception) -> bool:
        """Whether a failure says nothing of other connections: they have answered lately, and may lead elsewhere.

        One of two PgBouncers takes its own with it. Where all are gone they are known to be closed, and log-ins count.
        """
        return ends_its_connection(error) and self._has_answered_lately

    @property
    def _has_answered_lately(self) -> bool:
        return asyncio.get_running_loop().time() - self._last_success < self._config.probe_interval_seconds

    def _on_silence(self, connection: Connection, error: Exception) -> None:
        """Count a statement that can't be cancelled as a failure of the server; a slow one alone is none.

        While it answers on other connections it is busy and not gone, and to make them all anew would make it busier.
        """
        if not self._has_answered_lately:
            self.pool.lose(connection)
        metrics.FAILURES.labels(self.target, SETTLE.name, "connection").inc()
        self._count("connection", error)

    def _on_failed(self, error: Exception, others: int) -> None:
        """Count a log-in once, however many waited for it; while there are others, these say how the server is."""
        reason = reason_of(error)
        if reason is None:  # what the URL says can't be meant
            return
        metrics.FAILURES.labels(self.target, CONNECT, reason).inc()
        if others:
            logger.info("no further connection to the database: %s", error)
        else:
            self._count(reason, error)

    def _on_breaker_change(self, state: State) -> None:
        if state == "open":
            self.pool.expire()

    async def _watch(self) -> None:
        interval = self._config.probe_interval_seconds
        while True:
            await asyncio.sleep(interval * random.uniform(0.8, 1.2))  # noqa: S311 - jitter, not a secret
            self.pool.close_idle(0 if self.is_draining else self._config.idle_seconds)
            is_silent = not self._has_answered_lately and not self.is_draining
            # While all connections are in use, what they carry is the probe.
            if (self._breaker.is_open or is_silent) and self.pool.has_place:
                # While no request is let through, a log-in and a statement come to their ends, as busy as it may be.
                log_in_seconds = self.pool.log_in_seconds() if self._breaker.is_open else 0
                await self._probe(log_in_seconds + self._config.operation_timeout_seconds)

    async def _probe(self, seconds: float) -> bool:
        deadline = asyncio.get_running_loop().time() + seconds
        try:
            await self._carry_out(PROBE, (), deadline)
        except DatabaseUnavailableError as error:
            logger.info("database probe failed: %s", error)
            return False
        self._breaker.record_probe_success()
        return True


def _remaining_seconds(deadline: float) -> float:
    return max(MIN_TIMEOUT_SECONDS, deadline - asyncio.get_running_loop().time())
