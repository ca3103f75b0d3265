import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Protocol

from .cache import CacheConfig, InvalidationChannel, TieredCache
from .health.report import Part
from .idempotency import IdempotencyStore
from .observability.tracing import Tracing
from .overload import InFlight
from .ratelimit import RateLimiter
from .redis_client import NoRedis, RedisClient, RedisConfig
from .settings.common import CommonSettings
from .supervision import SupervisedTask


class OwnPart(Part, Protocol):
    """A part that an application brings: it is started and closed with the others, and told when the process drains."""

    @property
    def background(self) -> Sequence[SupervisedTask]:
        """What it does in the background."""

    async def start(self) -> None:
        """Connect, or start degraded; never raises."""

    def drain(self) -> None:
        """Leave what it holds to other processes: this one is about to end."""

    async def aclose(self) -> None:
        """Give back what it holds."""


class Parts:
    """What each process has one of: Redis, both tiers of the cache, the rate limiter, the line of requests."""

    def __init__(
        self, settings: CommonSettings, *, own: Mapping[str, OwnPart], traces: Tracing | None, are_versioned: bool
    ) -> None:
        self._is_alone = settings.is_alone
        self._traces = traces
        self._own = own
        self.redis = _redis(settings, traces)
        self.cache = TieredCache(self.redis, CacheConfig.of(settings, are_versioned=are_versioned))
        self.invalidation = InvalidationChannel(self.redis, self.cache)
        self.limiter = RateLimiter(
            self.redis, replicas=settings.rate_limit_expected_replicas, local_keys=settings.rate_limit_local_keys
        )
        self.carried_out = IdempotencyStore(self.redis, ttl_seconds=settings.idempotency_ttl_seconds)
        self.in_flight = InFlight(
            max_waiting=settings.overload_max_waiting, wait_seconds=settings.overload_wait_seconds
        )
        self.tasks = [
            self.redis.background,
            self.invalidation.background,
            self.limiter.background,
            *(task for part in own.values() for task in part.background),
        ]

    def drain(self) -> None:
        """Tell those parts that the process is about to end which may have to do something about it."""
        for part in self._own.values():
            part.drain()

    @asynccontextmanager
    async def started(self) -> AsyncIterator[None]:
        """Start them in the order in which they need each other, and stop them in the reverse one."""
        async with AsyncExitStack() as stack:
            if self._traces is not None:
                stack.push_async_callback(asyncio.to_thread, self._traces.close)
            await asyncio.gather(self.redis.start(), *(part.start() for part in self._own.values()))
            for part in self._own.values():
                stack.push_async_callback(part.aclose)
            stack.push_async_callback(self.redis.aclose)
            if not self.redis.is_enabled and self._is_alone:
                self.cache.trust_always()
            await self.invalidation.start()
            stack.push_async_callback(self.invalidation.aclose)
            stack.push_async_callback(self.cache.aclose)
            await self.limiter.start()
            stack.push_async_callback(self.limiter.aclose)
            yield


def _redis(settings: CommonSettings, traces: Tracing | None) -> RedisClient:
    if not settings.redis_url:
        return NoRedis()
    return RedisClient(RedisConfig.of(settings), None if traces is None else traces.instrument_redis)
