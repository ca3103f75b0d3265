import asyncio
import time

from redis.exceptions import NoScriptError, OutOfMemoryError, RedisError

from service.cache import metrics
from service.cache.codec import CodecError, decode, encode
from service.cache.config import CacheConfig
from service.cache.entry import Entry
from service.cache.scripts import FILL, FILL_SHA, TOMBSTONE
from service.redis_client import RedisClient

CHANNEL = "invalidate"
TOMBSTONE_SECONDS = 3.0
MAX_UNSENT = 10_000


class SharedCache:
    """L2: entries in Redis, shared by all replicas.

    A write leaves a tombstone for three seconds, so that a replica which read the source before the write can't put
    what it read behind it; a full Redis, which takes no tombstone, forgets the entry. Writes that Redis did not hear of
    are kept, and told once it is back; until then this process does not read their keys.
    """

    def __init__(self, redis: RedisClient, config: CacheConfig, *, sender: bytes) -> None:
        self._redis = redis
        self._config = config
        self._sender = sender
        self._unsent: dict[str, None] = {}
        self.channel = redis.key(CHANNEL)

    @property
    def readable(self) -> bool:
        """Whether it makes sense to ask."""
        return self._config.l2_enabled and self._redis.available

    @property
    def unsent(self) -> int:
        """How many writes Redis has still to hear of."""
        return len(self._unsent)

    async def get(self, key: str) -> Entry | None:
        """The entry; None for a miss, an unreadable value, or where Redis could not be asked."""
        if not self.readable or key in self._unsent:
            return None
        try:
            value = await self._redis.read("GET", self._redis_key(key))
        except RedisError:
            metrics.L2_ERRORS.labels("get").inc()
            return None
        if value is None or value == TOMBSTONE:
            return None
        try:
            return decode(value, self._config)
        except CodecError:
            metrics.L2_ERRORS.labels("decode").inc()
            return None

    async def put(self, key: str, entry: Entry) -> None:
        """Keep `entry` for all replicas until it may not even be served on error; not over a tombstone."""
        if not self._config.l2_enabled or key in self._unsent or entry.load_seconds >= TOMBSTONE_SECONDS:
            return
        kept_seconds = entry.error_until - time.monotonic()
        arguments = (
            1,
            self._redis_key(key),
            encode(entry, self._config.compress_bytes),
            max(1, int(kept_seconds * 1000)),
        )
        try:
            try:
                await self._redis.write("EVALSHA", FILL_SHA, *arguments)
            except NoScriptError:  # a Redis that has not seen it since its start
                await self._redis.write("EVAL", FILL, *arguments)
        except RedisError:
            metrics.L2_ERRORS.labels("put").inc()

    async def invalidate(self, key: str) -> None:
        """Bury `key` in L2 and tell all replicas, now or as soon as Redis is back; nobody where there is none."""
        if not self._redis.is_enabled:
            return
        try:
            await self._bury(key)
        except RedisError:
            metrics.L2_ERRORS.labels("invalidate").inc()
            self._unsent[key] = None
            if len(self._unsent) > MAX_UNSENT:
                # Its L2 value, if Redis kept it, is now read as if nothing had happened, until its TTL ends.
                del self._unsent[next(iter(self._unsent))]

    async def resend(self) -> None:
        """Tell what could not be told: one, then 255 more if Redis takes it. What fails again stays for next time."""
        if not self._unsent or not self._redis.available:
            return
        keys = list(self._unsent)[:256]
        # One ahead: each that is refused may still be published, and costs every replica a message.
        if await self._resend(keys[:1]):
            await self._resend(keys[1:])

    async def _resend(self, keys: list[str]) -> bool:
        outcomes = await asyncio.gather(*(self._bury(key) for key in keys), return_exceptions=True)
        told = [key for key, outcome in zip(keys, outcomes, strict=True) if outcome is None]
        for key in told:
            metrics.INVALIDATIONS.labels("resent").inc()
            self._unsent.pop(key, None)
        return told == keys

    async def _bury(self, key: str) -> None:
        redis_key = self._redis_key(key)
        try:
            await self._tell(key, "SET", redis_key, TOMBSTONE, "PX", int(TOMBSTONE_SECONDS * 1000))
        except OutOfMemoryError:
            await self._tell(key, "UNLINK", redis_key)
        metrics.INVALIDATIONS.labels("sent").inc()

    async def _tell(self, key: str, *command: bytes | str | int) -> None:
        # Both leave in one pipeline, in this order: who hears of it finds the command carried out.
        await asyncio.gather(
            self._redis.write(*command), self._redis.write("PUBLISH", self.channel, self._sender + b":" + key.encode())
        )

    def _redis_key(self, key: str) -> str:
        return self._redis.key(f"cache:{key}")
