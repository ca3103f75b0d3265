import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from service.cache import CacheConfig, InvalidationChannel, TieredCache
from service.redis_client import RedisClient, RedisConfig
from tests.observe import until
from tests.redis_process import RedisProcess

CONFIG = CacheConfig()
KEY = "users:7"


@dataclass
class Source:
    """A slow source that counts its loads, and can fail."""

    value: bytes | None = b'{"id":7}'
    seconds: float = 0.0
    failing: bool = False
    loads: int = 0
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.gate.set()

    async def __call__(self) -> bytes | None:
        """Load."""
        self.loads += 1
        value = self.value
        await asyncio.sleep(self.seconds)
        await self.gate.wait()
        if self.failing:
            raise OSError("the source is gone")
        return value


@asynccontextmanager
async def replica(
    redis: RedisProcess, config: CacheConfig = CONFIG, *, channel: bool = True
) -> AsyncIterator[TieredCache]:
    """One process's cache, listening to the others'."""
    client = RedisClient(RedisConfig(url=redis.url, call_timeout_seconds=0.3))
    cache = TieredCache(client, config)
    listener = InvalidationChannel(client, cache)
    await client.start()
    if channel:
        await listener.start()
        await until(lambda: cache.trusted_until > 0 or not client.available, 5)
    try:
        yield cache
    finally:
        await listener.aclose()
        await cache.aclose()
        await client.aclose()


def age(cache: TieredCache, seconds: float) -> None:
    """Make the L1 entry of KEY older."""
    entry = cache._memory.get(KEY)
    assert entry is not None
    for name in ("verified_at", "refresh_at", "fresh_until", "stale_until", "error_until"):
        setattr(entry, name, getattr(entry, name) - seconds)
