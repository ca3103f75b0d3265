import asyncio
import logging
import math
import random
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from typing import Literal

from opentelemetry.trace import Tracer

from service.database import metrics
from service.database.config import DatabaseConfig
from service.database.errors import DatabaseUnavailableError
from service.database.query import Query
from service.database.server import REPLAYED, Server
from service.fleet.supervision import OutageLog, SupervisedTask

logger = logging.getLogger(__name__)

# Every pod samples, at rest too: no oftener than it takes to have two in each second of staleness.
PRIMARY_SAMPLE_SECONDS = 0.4
# For what is shown of it: a read asks for the position again where it has to be later.
REPLICA_SAMPLE_SECONDS = 1.0
SAMPLE_TIMEOUT_SECONDS = 0.5
REST_SECONDS = 1.0
REMEMBERED_SECONDS = 60.0
WRITTEN = Query("written", "SELECT (pg_current_wal_lsn() - '0/0')::bigint AS position")


class Positions:
    """The primary's positions in its log, each with the time it was asked: they tell how old a replica's position is.

    Whoever has replayed a position shows everything that was acknowledged before the primary was asked for it.
    """

    def __init__(self, max_staleness_seconds: float) -> None:
        self._max_staleness_seconds = max_staleness_seconds
        self._samples: deque[tuple[float, int]] = deque()

    def add(self, asked_at: float, position: int) -> None:
        """Note what the primary said."""
        if self._samples and position < self._samples[-1][1]:  # another one, which lacks the end of the former's log
            self._samples.clear()
        self._samples.append((asked_at, position))
        while self._samples[0][0] < asked_at - REMEMBERED_SECONDS:
            self._samples.popleft()

    def required(self, now: float) -> int | None:
        """What a replica must have replayed that may answer; None while the primary says nothing."""
        oldest_allowed = now - self._max_staleness_seconds
        required = None
        for asked_at, position in reversed(self._samples):
            if asked_at < oldest_allowed:
                break
            required = position
        return required

    def staleness_seconds(self, replayed: int, now: float) -> float:
        """How old what a replica shows is at most; NaN while the primary says nothing."""
        if self.required(now) is None:
            return float("nan")
        for asked_at, position in reversed(self._samples):
            if position <= replayed:
                return now - asked_at
        return now - self._samples[0][0]  # older than all that is remembered


class Replica:
    """A server that follows the primary. When it lags or fails, it is left alone for a second."""

    def __init__(self, config: DatabaseConfig, number: int, positions: Positions, tracer: Tracer | None) -> None:
        self.target = f"replica-{number}"
        self.server = Server(config, target=self.target, tracer=tracer)
        self.position = 0
        """What it had replayed when it was last asked; -1 if it follows no primary."""
        self._positions = positions
        self._rests_until = 0.0
        self._staleness = metrics.STALENESS.labels(self.target)
        self._staleness_seconds = float("nan")
        self._lag_log = OutageLog(
            logger,
            f"{self.target} is too far behind the primary, and reads go elsewhere.",
            f"{self.target} has caught up with the primary.",
        )
        self._sampling = SupervisedTask(f"database_{self.target}_position", self._sample_forever)
        self.background = [self.server.background, self._sampling]

    @property
    def may_be_asked(self) -> bool:
        """Whether this replica may answer: it is connected, and not being left alone."""
        return self.server.available and asyncio.get_running_loop().time() >= self._rests_until

    async def start(self) -> None:
        """Connect and begin to sample; never raises."""
        await self.server.start()
        self._sampling.start()

    def drain(self) -> None:
        """Keep no connection from now on, and take no samples."""
        self.server.drain()
        self._show(float("nan"))

    async def aclose(self) -> None:
        """Stop sampling and close the connections."""
        await self._sampling.aclose()
        await self.server.aclose()

    def rest(self, reason: Literal["lag", "failure"]) -> None:
        """Leave it alone for a while."""
        if self.may_be_asked:
            metrics.RESTS.labels(self.target, reason).inc()
        self._rests_until = asyncio.get_running_loop().time() + REST_SECONDS

    def checks(self) -> dict[str, object]:
        """Return what /readyz?verbose says of it."""
        is_known = not math.isnan(self._staleness_seconds)
        return {
            "available": self.may_be_asked,
            "breaker": self.server.state,
            "staleness_seconds": round(self._staleness_seconds, 3) if is_known else None,
        }

    async def _sample_forever(self) -> None:
        while True:
            try:
                if not self.server.is_draining:  # each sample would take a connection of its own
                    await self._sample()
            except DatabaseUnavailableError:
                self._show(float("nan"))
            await asyncio.sleep(REPLICA_SAMPLE_SECONDS)

    async def _sample(self) -> None:
        loop = asyncio.get_running_loop()
        asked_at = loop.time()
        (row,) = await self.server.fetch(REPLAYED, (), asked_at + SAMPLE_TIMEOUT_SECONDS, ahead=True)
        self.position = row["position"]
        required = self._positions.required(asked_at)
        if required is not None:
            if self.position < required:
                self.rest("lag")
                self._lag_log.failed(RuntimeError("it follows none" if self.position < 0 else "it lags"))
            else:
                self._lag_log.worked()
        self._show(self._positions.staleness_seconds(self.position, asked_at))

    def _show(self, staleness_seconds: float) -> None:
        self._staleness_seconds = staleness_seconds
        self._staleness.set(staleness_seconds)


class ReplicaSet:
    """The replicas and the primary's position: which replica may answer a read, and what it must have replayed."""

    def __init__(self, config: DatabaseConfig, primary: Server, tracer: Tracer | None) -> None:
        self._primary = primary
        self._positions = Positions(config.max_staleness_seconds)
        self._all = [Replica(each, number, self._positions, tracer) for number, each in enumerate(config.replicas())]
        self._sampling = SupervisedTask("database_primary_position", self._sample_forever)
        self.background = [self._sampling, *(task for replica in self._all for task in replica.background)]

    async def start(self) -> None:
        """Connect to all and begin to sample; never raises."""
        await asyncio.gather(*(replica.start() for replica in self._all))
        self._sampling.start()

    def drain(self) -> None:
        """Keep no connections, and take no samples: soon the primary answers what reads there still are."""
        for replica in self._all:
            replica.drain()

    async def aclose(self) -> None:
        """Stop sampling and close all connections."""
        await self._sampling.aclose()
        await asyncio.gather(*(replica.aclose() for replica in self._all))

    def checks(self) -> dict[str, object]:
        """Return what /readyz?verbose says of each."""
        return {replica.target: replica.checks() for replica in self._all}

    def required(self) -> int | None:
        """What a replica must have replayed that may answer now; None while the primary says nothing."""
        return self._positions.required(asyncio.get_running_loop().time())

    def candidates(self) -> Sequence[Replica]:
        """Return those that may be asked, the least busy first."""
        able = [replica for replica in self._all if replica.may_be_asked]
        return sorted(able, key=lambda replica: (replica.server.pool.in_use, random.random()))  # noqa: S311 - to spread

    def by_position(self) -> Sequence[Replica]:
        """Return those that can be asked, the one that is furthest first, however old that is."""
        able = [replica for replica in self._all if replica.server.available]
        return sorted(able, key=lambda replica: -replica.position)

    async def _sample_forever(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            if not self._primary.is_draining:
                asked_at = loop.time()
                with suppress(DatabaseUnavailableError):
                    (row,) = await self._primary.fetch(WRITTEN, (), asked_at + SAMPLE_TIMEOUT_SECONDS, ahead=True)
                    self._positions.add(asked_at, row["position"])
            await asyncio.sleep(PRIMARY_SAMPLE_SECONDS)
