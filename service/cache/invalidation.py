import asyncio
import logging
import time
from typing import Any

from redis.exceptions import RedisError

from service.cache import metrics
from service.cache.tiered import TieredCache
from service.cache.versions import MARK, Order
from service.redis_client import RedisClient
from service.supervision import OutageLog, SupervisedTask

logger = logging.getLogger(__name__)

PING_INTERVAL_SECONDS = 0.5
TRUST_SECONDS = 1.5
SUBSCRIBE_TIMEOUT_SECONDS = 1.0
RECONNECT_SECONDS = 0.5
# By then the circuit breaker has said that Redis is away, if that is why.
LOG_GRACE_SECONDS = 5.0


class InvalidationChannel:
    """Drops from this process's L1 what other replicas write, as they write it.

    It is pinged twice a second. An answer proves that all messages from before its ping have been heard, as it comes
    behind them; so L1 is trusted for 1.5 s from when the last answered ping was sent. After reconnecting it starts
    empty, as messages may have been missed.
    """

    def __init__(self, redis: RedisClient, cache: TieredCache) -> None:
        self._redis = redis
        self._cache = cache
        self._outage = OutageLog(
            logger,
            "The invalidation channel is down: L1 believes what it holds for a second only, and L2 is not filled.",
            "The invalidation channel is up again.",
            grace_seconds=LOG_GRACE_SECONDS,
        )
        self.background = SupervisedTask("cache_invalidation", self._run)

    async def start(self) -> None:
        """Listen from now on, through outages, until closed; to nothing where there is no Redis by choice."""
        if not self._redis.is_enabled:
            metrics.CHANNEL_UP.set(float("nan"))
            return
        self.background.start()

    async def aclose(self) -> None:
        """Stop listening."""
        await self.background.aclose()

    async def _run(self) -> None:
        while True:
            try:
                await self._listen()
            except (RedisError, OSError) as error:
                if self._redis.available:  # else that is said once, for all of Redis
                    self._outage.failed(error)
            finally:
                metrics.CHANNEL_UP.set(0)
                self._cache.distrust()
            await asyncio.sleep(RECONNECT_SECONDS)

    async def _listen(self) -> None:
        async with self._redis.pubsub() as subscription:
            asked_at = time.monotonic()
            async with asyncio.timeout(SUBSCRIBE_TIMEOUT_SECONDS):
                await subscription.subscribe(self._cache.shared.channel)
                await subscription.get_message(timeout=None)
            self._cache.forget_all()
            self._trust(asked_at)
            self._outage.worked()
            metrics.CHANNEL_UP.set(1)
            ping_at = 0.0
            # Waited for, never cut off by a timeout: that could lose half a message.
            message = asyncio.ensure_future(subscription.get_message(timeout=None))
            try:
                while (now := time.monotonic()) < self._cache.trusted_until:
                    # By the clock: what one replica resends is a message to all, which must not have them resend.
                    if now >= ping_at:
                        ping_at = now + PING_INTERVAL_SECONDS
                        await self._cache.shared.resend()
                        await subscription.ping(repr(time.monotonic()))
                    await asyncio.wait([message], timeout=max(0.0, ping_at - time.monotonic()))
                    if message.done():
                        self._receive(message.result())
                        message = asyncio.ensure_future(subscription.get_message(timeout=None))
            finally:
                message.cancel()
                await asyncio.gather(message, return_exceptions=True)
            raise TimeoutError("no sign of life")

    def _trust(self, asked_at: float) -> None:
        self._cache.trusted_until = asked_at + TRUST_SECONDS

    def _receive(self, message: dict[str, Any]) -> None:
        data: bytes = message["data"]
        if message["type"] == "pong":
            self._trust(float(data))
            return
        sender, _, written = data.partition(b":")
        key, _, version = written.rpartition(b":")
        if sender != self._cache.sender and version.isdigit():  # its own L1 it has seen to before it published
            metrics.INVALIDATIONS.labels("received").inc()
            self._cache.hear(key.decode(), Order(int(version), MARK))
