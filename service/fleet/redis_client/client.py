import asyncio
import contextlib
import logging
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Literal, NamedTuple, TypeVar

import hiredis
from opentelemetry import trace
from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import DataError, NoScriptError, OutOfMemoryError, ReadOnlyError, RedisError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from ..batching import Batcher
from ..circuit_breaker import BreakerMetrics, CircuitBreaker, State
from ..supervision import Jobs, SupervisedTask
from ..tls import TOO_STRICT
from . import metrics
from .config import RedisConfig
from .errors import RedisUnavailableError
from .pool import LeanPool

logger = logging.getLogger(__name__)

Q = TypeVar("Q")


class Packed(NamedTuple):
    """A command as it is sent, and in words, for a span of it."""

    wire: bytes
    words: tuple[bytes | str | float, ...]


# Most of what a command costs is per trip.
MAX_BATCH = 512
UNREACHABLE = (RedisConnectionError, RedisTimeoutError, OSError)
RETRY_JITTER_SECONDS = 0.01
POOL_DROP_INTERVAL_SECONDS = 1.0
# A timer that fires so late tells that this process was not run. On two busy cores, where that counted as a failure of
# Redis, the breakers of seven pods opened 42 times in a ramp of three minutes (revision e359ad2).
LATE_SECONDS = 0.03


class RedisClient:
    """A Redis that may be slow, blackholed, full, read-only or absent: each call ends within its time limit.

    `read` and `write` raise `RedisError` and nothing else: `RedisUnavailableError` where Redis could not be asked,
    redis-py's own where Redis refused the command. Callers have a fallback for both.
    """

    def __init__(self, config: RedisConfig, instrument: Callable[[Redis], None] | None = None) -> None:
        """Take `instrument` to have redis-py's client make a span of each trip that a recorded request causes."""
        self._config = config
        self._pool = self._new_pool(config.pool_size)
        self._recording = None
        if instrument is not None:
            # One of its own: an instrumented client makes ready for a span whether there will be one or not.
            instrument(client := Redis(connection_pool=self._pool))
            self._recording = client
        self._breaker = CircuitBreaker(
            "redis",
            failures=config.breaker_failures,
            on_change=self._on_breaker_change,
            metrics=BreakerMetrics(metrics.AVAILABLE, metrics.BREAKER_TRANSITIONS),
        )
        self._gets = self._batcher(self._execute_gets)
        self._reads = self._batcher(self._execute_reads)
        self._writes = self._batcher(self._execute_writes)
        self._housekeeping = Jobs("redis_housekeeping")
        self.background = SupervisedTask("redis_probe", self._probe_forever)
        self.available_since = float("-inf")
        """When it was last found to be back (monotonic), if it ever was away."""
        self._last_success = 0.0
        self._last_pool_drop = 0.0
        metrics.POOL_SIZE.set(config.pool_size)

    def _batcher(self, execute: Callable[[list[Q]], Awaitable[list[Any]]]) -> Batcher[Q, Any]:
        return Batcher(execute, max_batch=MAX_BATCH, max_in_flight=self._config.pool_size, lost=RedisUnavailableError)

    def _new_pool(self, size: int) -> LeanPool:
        # No socket_timeout: redis-py would wrap each send in a task of its own. One limit around the batch bounds
        # every part of it, and a cancelled batch's connection is closed by redis-py, never reused half-read.
        return LeanPool.from_url(
            self._config.url,
            username=self._config.username,
            password=self._config.password,
            max_connections=size,
            timeout=self._config.connect_timeout_seconds,
            socket_connect_timeout=self._config.connect_timeout_seconds,
            socket_timeout=None,
            retry=Retry(NoBackoff(), 0),
            protocol=2,
            driver_info=None,
            **({"ssl_exclude_verify_flags": [TOO_STRICT]} if self._config.url.startswith("rediss:") else {}),
        )

    is_enabled = True
    """Whether there is to be a Redis at all; `NoRedis` is where there is none by choice."""

    def key(self, name: str) -> str:
        """Return what `name`, of a key or a channel, is called in a Redis that others may use too."""
        return f"{self._config.key_prefix}:{name}"

    @property
    def available(self) -> bool:
        """Whether calls are let through."""
        return not self._breaker.is_open

    @property
    def state(self) -> State | Literal["off"]:
        """The circuit breaker's state; "off" where there is no Redis by choice."""
        return self._breaker.state

    def checks(self) -> dict[str, object]:
        """Return what /readyz?verbose says of it."""
        return {"available": self.available, "breaker": self.state}

    async def start(self) -> None:
        """Connect the pool ahead of the first request and begin probing; never raises, whatever Redis does."""
        error = await self._warm_up()
        if error is not None:
            self._count_failure(error)
            self._breaker.trip()
        self.background.start()

    async def aclose(self) -> None:
        """Stop probing, let batches under way end, close all connections."""
        await self.background.aclose()
        await self._gets.aclose()
        await self._reads.aclose()
        await self._writes.aclose()
        await self._housekeeping.join()
        await self._pool.aclose()

    async def get(self, key: str) -> bytes | None:
        """Return what a key holds; None where that is no string. All that one turn of the loop asks for is one MGET."""
        if self._breaker.is_open:
            raise RedisUnavailableError("circuit breaker is open")
        value: bytes | None = await self._gets.submit(key)
        return value

    async def read(self, *command: bytes | str | float) -> Any:  # noqa: ANN401 - what Redis replies
        """Send an idempotent command: after a lost connection it is sent once more, within the same time limit."""
        if self._breaker.is_open:
            raise RedisUnavailableError("circuit breaker is open")
        return await self._reads.submit(_packed(*command))

    def write(self, *command: bytes | str | float) -> asyncio.Future[Any]:
        """Send a command that must not be carried out twice: never retried. Its reply is to be awaited.

        It leaves with whatever else this turn of the event loop writes, in the order of the calls, on one connection.
        """
        if self._breaker.is_open:
            raise RedisUnavailableError("circuit breaker is open")
        return self._writes.submit(_packed(*command))

    @contextlib.asynccontextmanager
    async def pubsub(self) -> AsyncIterator[PubSub]:
        """A subscription on a connection of its own, outside the pool."""
        pool = self._new_pool(1)
        redis = Redis(connection_pool=pool)
        subscription = redis.pubsub()
        try:
            yield subscription
        finally:
            await subscription.aclose()  # type: ignore[no-untyped-call]  # redis-py leaves it unannotated
            await redis.aclose()
            await pool.disconnect()

    async def _execute_gets(self, keys: list[str]) -> list[Any]:
        (values,) = await self._execute([_packed("MGET", *keys)], attempts=2)
        return [values] * len(keys) if isinstance(values, RedisError) else values

    async def _execute_reads(self, commands: list[Packed]) -> list[Any]:
        return await self._execute(commands, attempts=2)

    async def _execute_writes(self, commands: list[Packed]) -> list[Any]:
        return await self._execute(commands, attempts=1)

    async def _execute(self, commands: list[Packed], attempts: int) -> list[Any]:
        if self._breaker.is_open:  # opened while the commands waited for their turn
            raise RedisUnavailableError("circuit breaker is open")
        metrics.IN_FLIGHT.inc()
        started = time.perf_counter()
        try:
            async with asyncio.timeout(self._config.call_timeout_seconds):
                replies = await self._attempt(commands, attempts)
        except Exception as error:
            if not isinstance(error, UNREACHABLE):
                logger.exception("A batch failed in a way that Redis does not.")
            self._count_failure(error)
            self._record_failure(error, started)
            raise RedisUnavailableError(str(error) or "time limit exceeded") from error
        finally:
            metrics.IN_FLIGHT.dec()
            metrics.BATCH_SECONDS.observe(time.perf_counter() - started)
        metrics.COMMANDS.inc(len(commands))
        self._last_success = time.monotonic()
        self._breaker.record_success()
        for reply in replies:
            if isinstance(reply, RedisError) and not isinstance(reply, NoScriptError):
                self._count_failure(reply)
                if isinstance(reply, ReadOnlyError):
                    self._drop_pool_once()
        return replies

    async def _attempt(self, commands: list[Packed], attempts: int) -> list[Any]:
        while True:
            attempts -= 1
            try:
                return await self._round_trip(commands)
            except UNREACHABLE:
                if not attempts:
                    raise
                metrics.RETRIES.inc()
                await asyncio.sleep(random.uniform(0, RETRY_JITTER_SECONDS))  # noqa: S311 - jitter, not a secret

    async def _round_trip(self, commands: list[Packed]) -> list[Any]:
        if self._recording is not None and trace.get_current_span().is_recording():
            pipeline = self._recording.pipeline(transaction=False)
            for command in commands:
                pipeline.execute_command(*command.words)
            return await pipeline.execute(raise_on_error=False)
        # What a pipeline of redis-py's does around this takes as long again.
        connection = await self._pool.get_connection()
        try:
            await connection.send_packed_command([command.wire for command in commands], check_health=False)
            return [await _reply(connection) for _ in commands]
        finally:
            await self._pool.release(connection)

    async def _warm_up(self) -> BaseException | None:
        """Open all connections at once, each usable as soon as it is there; gives the error where none came."""
        attempts = (self._open_one() for _ in range(self._config.pool_size))
        errors = await asyncio.gather(*attempts, return_exceptions=True)
        return None if None in errors else errors[0]

    async def _open_one(self) -> None:
        async with asyncio.timeout(self._config.connect_timeout_seconds):
            connection = await self._pool.get_connection()
        try:
            await asyncio.sleep(0)  # who opens the others takes another one
        finally:
            await self._pool.release(connection)

    def _record_failure(self, error: Exception, started: float) -> None:
        """Tell the breaker, unless this process was not run when the time limit was over: Redis is not to blame."""
        late_seconds = time.perf_counter() - started - self._config.call_timeout_seconds
        if not isinstance(error, TimeoutError) or late_seconds < LATE_SECONDS:
            self._breaker.record_failure()

    def _count_failure(self, error: BaseException) -> None:
        match error:
            case ReadOnlyError():
                reason = "readonly"
            case OutOfMemoryError():
                reason = "out_of_memory"
            case TimeoutError() | RedisTimeoutError():
                reason = "timeout"
            case RedisConnectionError() | OSError():
                reason = "connection"
            case _:
                reason = "command"
        self._breaker.cause = str(error) or type(error).__name__
        metrics.FAILURES.labels(reason).inc()

    def _on_breaker_change(self, state: State) -> None:
        if state == "closed":
            self.available_since = time.monotonic()
        self._housekeeping.spawn(self._pool.disconnect(inuse_connections=False) if state == "open" else self._warm_up())

    def _drop_pool_once(self) -> None:
        """A primary that became a replica keeps its connections: drop them, so that the name is resolved anew."""
        now = time.monotonic()
        if now - self._last_pool_drop >= POOL_DROP_INTERVAL_SECONDS:
            self._last_pool_drop = now
            logger.warning("redis is read-only, dropping its connections")
            self._housekeeping.spawn(self._pool.disconnect(inuse_connections=False))

    async def _probe_forever(self) -> None:
        while True:
            await asyncio.sleep(self._config.probe_interval_seconds * random.uniform(0.8, 1.2))  # noqa: S311
            idle = time.monotonic() - self._last_success
            if self._breaker.is_open or idle >= self._config.probe_interval_seconds:
                await self._probe()

    async def _probe(self) -> None:
        started = time.perf_counter()
        try:
            async with asyncio.timeout(self._config.call_timeout_seconds):
                await self._round_trip([_packed("PING")])
        except (TimeoutError, RedisError, OSError) as error:
            self._count_failure(error)
            self._record_failure(error, started)
        else:
            self._last_success = time.monotonic()
            self._breaker.record_probe_success()


def _packed(*words: bytes | str | float) -> Packed:
    """Pack a command for itself: one that can't be written fails here, alone, not with its batch."""
    try:
        return Packed(hiredis.pack_command(words), words)  # type: ignore[arg-type] # its stub has a tuple of one
    except UnicodeEncodeError as error:
        raise DataError("a command holds text that is not Unicode") from error


async def _reply(connection: AbstractConnection) -> Any:  # noqa: ANN401 - what Redis replies
    try:
        return await connection.read_response()
    except ResponseError as error:
        return error
