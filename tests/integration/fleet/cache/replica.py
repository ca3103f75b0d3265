import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from service.fleet.cache import CacheConfig, Entry, InvalidationChannel, Loaded, TieredCache
from service.fleet.cache.codec import FORMAT
from service.fleet.cache.versions import LAG_SECONDS, NOTHING, Order
from service.fleet.redis_client import RedisClient, RedisConfig
from service.fleet.staleness import Freshness
from tests.observe import until
from tests.redis_process import PATIENT_SECONDS, RedisProcess
from tests.tcp_proxy import TCPProxy

CONFIG = CacheConfig()
KEY = "users:7"
REDIS_KEY = f"fleet:cache:{FORMAT}:{KEY}"
NEW = b'{"id":7,"new":true}'


@dataclass
class Source:
    """A slow source that counts its loads, and can fail; `lagging` is what it answers who may be shown what was.

    While it `is_away` that is all there is, of an unknown age.
    """

    value: bytes | None = b'{"id":7}'
    version: int = 1
    lagging: Loaded | None = None
    cacheable: bool = True
    seconds: float = 0.0
    failing: bool = False
    is_away: bool = False
    loads: int = 0
    fresh_loads: int = 0
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.gate.set()

    @property
    def now(self) -> Loaded:
        """What it holds."""
        return Loaded(self.value, 0 if self.value is None else self.version, self.cacheable)

    async def __call__(self, freshness: Freshness) -> Loaded:
        """Load."""
        self.loads += 1
        if self.is_away and freshness is Freshness.REQUIRED:
            raise OSError("the source is away")
        if self.is_away and self.lagging is not None:
            return self.lagging._replace(cacheable=False)
        fresh = freshness is not Freshness.RECENT
        self.fresh_loads += fresh
        loaded = self.now if fresh or self.lagging is None else self.lagging
        await asyncio.sleep(self.seconds)
        await self.gate.wait()
        if self.failing:
            raise OSError("the source is gone")
        return loaded

    def change(self, value: bytes | None = NEW) -> tuple[bytes | None, int, float]:
        """Write; returns what the cache wants to know of it."""
        began = time.monotonic()
        self.value = value
        self.version += 1
        return value, self.version, began


@asynccontextmanager
async def replica(
    redis: RedisProcess | TCPProxy,
    config: CacheConfig = CONFIG,
    *,
    channel: bool = True,
    call_timeout_seconds: float = PATIENT_SECONDS,
) -> AsyncIterator[TieredCache]:
    """One process's cache, listening to the others'."""
    client = RedisClient(RedisConfig(url=redis.url, call_timeout_seconds=call_timeout_seconds))
    cache = TieredCache(client, config)
    listener = InvalidationChannel(client, cache)
    await client.start()
    if channel:
        await listener.start()
        await until(lambda: cache.trusted_until > 0 or not client.available)
    settle(cache)
    try:
        yield cache
    finally:
        await listener.aclose()
        await cache.aclose()
        await client.aclose()


async def put(cache: TieredCache, key: str, entry: Entry, began: float, replaces: Order = NOTHING) -> None:
    """Put into L2, and wait for that."""
    cache.shared.put(key, entry, began, replaces)
    await cache.shared.aclose()


def settle(cache: TieredCache) -> None:
    """As if it had been listening for longer than a replica may lag."""
    cache._minimums._complete_since -= LAG_SECONDS


def age(cache: TieredCache, seconds: float) -> None:
    """Make the L1 entry of KEY older."""
    entry = cache._memory.get(KEY)
    assert entry is not None
    for name in ("verified_at", "refresh_at", "fresh_until", "stale_until", "error_until"):
        setattr(entry, name, getattr(entry, name) - seconds)
