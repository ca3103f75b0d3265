import asyncio
from collections.abc import Sequence
from functools import cache
from typing import Literal

from opentelemetry.trace import Tracer
from prometheus_client import Counter

from service.database import metrics
from service.database.config import DatabaseConfig
from service.database.errors import MAY_MEAN_AWAY, MEANS_AWAY, WORTH_A_SECOND_TRY, DatabaseUnavailableError
from service.database.login import PRIMARY
from service.database.query import Arguments, Query, Read, Record
from service.database.replicas import ReplicaSet
from service.database.schema import Schema
from service.database.server import Server
from service.database.tracing import is_recorded
from service.fleet.staleness import Freshness


class Database:
    """The servers behind the users: where to read, where to write, and what may be tried again.

    Raises `DatabaseUnavailableError` within `operation_timeout_seconds` where there is no answer, and asyncpg's own
    errors where the answer is one.
    """

    is_enabled = True

    def __init__(self, config: DatabaseConfig, tracer: Tracer | None = None) -> None:
        self._config = config
        self._tracer = tracer
        self.primary = Server(config, tracer=tracer)
        self.replicas = ReplicaSet(config, self.primary, tracer) if config.replica_urls else None
        self._schema = Schema(self.primary)
        background = [self.primary.background, self._schema.background]
        self.background = [*background, *(self.replicas.background if self.replicas else ())]

    @property
    def available(self) -> bool:
        """Whether writes are let through."""
        return self.primary.available

    @property
    def has_replicas(self) -> bool:
        """Whether there are replicas, so that reads that need not be fresh may miss a recent write."""
        return self.replicas is not None

    @property
    def is_recorded(self) -> bool:
        """Whether the request at hand has spans, one for each of its statements."""
        return is_recorded(self._tracer)

    def checks(self) -> dict[str, object]:
        """Return what /readyz?verbose says of the servers."""
        checks: dict[str, object] = {"available": self.available, "breaker": self.primary.state}
        return {**checks, "replicas": self.replicas.checks()} if self.replicas else checks

    async def start(self) -> None:
        """Connect ahead of the first request, or start degraded; never raises."""
        await asyncio.gather(*(part.start() for part in self._parts))

    def drain(self) -> None:
        """Leave the servers' connections to other processes: each is closed as soon as no request needs it."""
        for part in self._parts:
            part.drain()

    async def aclose(self) -> None:
        """Close all connections."""
        await asyncio.gather(*(part.aclose() for part in self._parts))

    async def read(self, query: Query, *arguments: object, freshness: Freshness = Freshness.RECENT) -> Read:
        """Return the rows of a statement that changes nothing; one that brought no answer is tried once more.

        The server that takes the writes is asked, or for what is `RECENT` one that is at most `max_staleness_seconds`
        behind. While the primary is away any replica will do, unless `freshness` is `REQUIRED`.
        """
        deadline = self._deadline()
        if self.replicas is None or freshness is Freshness.REQUIRED:
            rows = await self._try_twice(query, arguments, deadline, is_repeatable=True)
            return _read(rows, PRIMARY, "now")
        required = self.replicas.required()
        if required is not None and freshness is Freshness.RECENT:
            for replica in self.replicas.candidates():
                try:
                    rows = await replica.server.fetch(query, arguments, _half(deadline), replayed=required)
                except DatabaseUnavailableError as error:
                    if error.reason == "busy":
                        raise
                    replica.rest("lag" if error.reason == "lag" else "failure")
                    metrics.RETRIES.labels(query.name).inc()
                else:
                    return _read(rows, replica.target, "bounded")
        return await self._read_without_replicas(query, arguments, deadline, self.replicas)

    async def write(self, query: Query, *arguments: object, is_repeatable: bool = False) -> list[Record]:
        """Return the rows of a statement that writes; tried once more only if the first try left nothing behind.

        `is_repeatable` says that a second time would change nothing more.
        """
        return await self._try_twice(query, arguments, self._deadline(), is_repeatable=is_repeatable)

    @property
    def _parts(self) -> Sequence[Server | ReplicaSet | Schema]:
        return [self.primary, self._schema, *([self.replicas] if self.replicas else ())]

    def _deadline(self) -> float:
        return asyncio.get_running_loop().time() + self._config.operation_timeout_seconds

    async def _read_without_replicas(
        self, query: Query, arguments: Arguments, deadline: float, replicas: ReplicaSet
    ) -> Read:
        """Ask the primary, and replicas that can't be told to be recent only where it is away."""
        others = replicas.by_position()
        try:
            rows = await self._try_twice(query, arguments, _half(deadline) if others else deadline, is_repeatable=True)
        except DatabaseUnavailableError as error:
            # A time limit may be the statement's fault, and a full pool is an overload; that the primary has said
            # nothing for a second is neither.
            is_silent = error.reason in MAY_MEAN_AWAY and replicas.required() is None
            if error.reason not in MEANS_AWAY and not is_silent:
                raise
            for replica in others:
                limit = deadline if replica is others[-1] else _half(deadline)
                try:
                    rows = await replica.server.fetch(query, arguments, limit)
                except DatabaseUnavailableError:
                    replica.rest("failure")
                else:
                    return _read(rows, replica.target, "unbounded")
            raise
        return _read(rows, PRIMARY, "now")

    async def _try_twice(
        self, query: Query, arguments: Arguments, deadline: float, *, is_repeatable: bool
    ) -> list[Record]:
        try:
            return await self.primary.fetch(query, arguments, deadline)
        except DatabaseUnavailableError as error:
            if error.reason not in WORTH_A_SECOND_TRY or (error.may_have_happened and not is_repeatable):
                raise
        metrics.RETRIES.labels(query.name).inc()
        return await self.primary.fetch(query, arguments, deadline)


def _half(deadline: float) -> float:
    """Leave as much time to the next server."""
    now = asyncio.get_running_loop().time()
    return now + (deadline - now) / 2


def _read(rows: list[Record], target: str, age: Literal["now", "bounded", "unbounded"]) -> Read:
    _reads(target, age).inc()
    return Read(rows, cacheable=age != "unbounded")


@cache
def _reads(target: str, age: str) -> Counter:
    """Look the labels up once: that takes five times as long as counting."""
    return metrics.READS.labels(target, age)
