import time

from service.fleet.redis_client import RedisClient, RedisError
from service.fleet.staleness import MAX_STALENESS_SECONDS, Freshness

MARK_SECONDS = 2 * MAX_STALENESS_SECONDS


class OwnWrites:
    """Who has just written: their lists come from the primary, as a replica may not have their writes yet.

    A mark in Redis tells all processes. While Redis can't be asked, every subject may have written: replicas are asked
    only if the primary is away too.
    """

    def __init__(self, redis: RedisClient) -> None:
        self._redis = redis

    async def note(self, subject: str) -> None:
        """Mark the writer; to be called before the write is acknowledged."""
        try:
            await self._redis.write("SET", self._key(subject), 1, "PX", int(MARK_SECONDS * 1000))
        except RedisError:
            return  # who asks Redis now fails too, and what Redis may have forgotten counts after its return

    async def freshness(self, subject: str) -> Freshness:
        """How fresh a list must be that shows all that this client has written."""
        if not self._redis.available or time.monotonic() < self._redis.available_since + MARK_SECONDS:
            return Freshness.PREFERRED
        try:
            has_written = await self._redis.read("EXISTS", self._key(subject))
        except RedisError:
            return Freshness.PREFERRED
        return Freshness.REQUIRED if has_written else Freshness.RECENT

    def _key(self, subject: str) -> str:
        return self._redis.key(f"wrote:{subject}")
