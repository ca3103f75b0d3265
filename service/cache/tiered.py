import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple, TypeVar

from service.cache import metrics
from service.cache.config import CacheConfig
from service.cache.entry import Entry
from service.cache.memory import MemoryCache
from service.cache.response import Tier
from service.cache.shared import SharedCache
from service.redis_client import RedisClient
from service.supervision import Jobs

Load = Callable[[], Awaitable[bytes | None]]
T = TypeVar("T")

# A look-up that found nothing in L2 (or no L2) spares the fetch right after it the same question, and the same wait.
ABSENT_SECONDS = 0.1
MAX_ABSENT = 1000


class Lookup(NamedTuple):
    """An entry, and where it came from."""

    entry: Entry
    tier: Tier


class TieredCache:
    """L1 in this process, L2 in Redis, then the source: each asked only if the one before has nothing fresh.

    One load per key and process is under way at a time, whoever asks. What is due is refreshed in the background; what
    is stale is served meanwhile. Redis being away costs hits, never an answer.
    """

    def __init__(self, redis: RedisClient, config: CacheConfig) -> None:
        self._config = config
        self._memory = MemoryCache(config.l1_bytes)
        self.sender = secrets.token_hex(8).encode()
        self.shared = SharedCache(redis, config, sender=self.sender)
        self._flights: dict[str, asyncio.Task[Lookup]] = {}
        self._lookups: dict[str, asyncio.Task[Entry | None]] = {}
        self._absent: dict[str, float] = {}
        self._jobs = Jobs("cache_fill")
        self.trusted_until = 0.0
        """Until then (monotonic) no invalidation can have been missed; the invalidation channel moves it on."""

    def trust_always(self) -> None:
        """Believe L1 without an invalidation channel: no other process writes what it holds."""
        self.trusted_until = float("inf")

    async def aclose(self) -> None:
        """Wait for the loads and fills under way."""
        await self._jobs.join()

    def hit(self, key: str) -> Entry | None:
        """The L1 entry if it is fresh, not yet due for refresh, and not to be doubted; no I/O, no waiting."""
        entry = self._memory.get(key)
        if entry is None:
            return None
        now = time.monotonic()
        if now < entry.refresh_at and (
            now < self.trusted_until or now < entry.verified_at + self._config.untrusted_seconds
        ):
            return entry
        return None

    async def lookup(self, key: str) -> Entry | None:
        """The L2 entry if it is fresh and not yet due for refresh; goes into L1. Concurrent askers share one trip."""
        task = self._lookups.get(key)
        if task is None:
            task = self._lookups[key] = self._jobs.spawn(self._look_up(key))
            task.add_done_callback(lambda done: self._forget(self._lookups, key, done))
        try:
            return await _outcome(task)
        except Exception:  # noqa: BLE001 - the job's, logged and counted: it may cost a hit, not the answer
            return None

    async def fetch(self, key: str, load: Load) -> Lookup:
        """The entry of `key`, by `load` (None: there is no such thing) where no tier has it.

        Raises what `load` raises, unless an entry is left that may be served on error.
        """
        lookup = self._from_memory(key, load)
        if lookup is None:
            lookup = await _outcome(self._flight(key, load))
        {"L1": metrics.HIT_L1, "L2": metrics.HIT_L2, "MISS": metrics.MISS, "STALE": metrics.STALE}[lookup.tier].inc()
        return lookup

    async def invalidate(self, key: str) -> None:
        """Forget `key` here, in L2 and in every replica's L1. To be called once the write is committed."""
        self.forget(key)
        await self.shared.invalidate(key)

    def forget(self, key: str) -> None:
        """Forget `key` in this process; what is being loaded answers those who wait for it and is not kept."""
        self._memory.discard(key)
        self._flights.pop(key, None)
        self._lookups.pop(key, None)

    def forget_all(self) -> None:
        """Forget everything in this process: invalidations may have been missed."""
        self._memory.clear()
        self._flights.clear()
        self._lookups.clear()

    def _from_memory(self, key: str, load: Load) -> Lookup | None:
        entry = self.hit(key)
        if entry is not None:
            return Lookup(entry, "L1")
        entry = self._memory.get(key)
        now = time.monotonic()
        if entry is None or now >= self.trusted_until or now >= entry.stale_until:
            return None
        if now < entry.fresh_until:
            entry.refresh_at = entry.fresh_until  # the others go on hitting while this one's refresh runs
            self._refresh(key, load, "early")
            return Lookup(entry, "L1")
        self._refresh(key, load, "stale")
        return Lookup(entry, "STALE")

    def _refresh(self, key: str, load: Load, reason: str) -> None:
        if key not in self._flights:
            metrics.REFRESHES.labels(reason).inc()
            self._flight(key, load)

    def _flight(self, key: str, load: Load) -> asyncio.Task[Lookup]:
        task = self._flights.get(key)
        if task is None:
            task = self._flights[key] = self._jobs.spawn(self._fill(key, load))
            task.add_done_callback(lambda done: self._forget(self._flights, key, done))
        return task

    async def _fill(self, key: str, load: Load) -> Lookup:
        looked_up_at = self._absent.pop(key, 0.0)
        just_absent = time.monotonic() - looked_up_at < ABSENT_SECONDS
        shared = None if just_absent else await self.shared.get(key)
        now = time.monotonic()
        if shared is not None and now < shared.refresh_at:
            self._keep(self._flights, key, shared)
            return Lookup(shared, "L2")
        started = time.perf_counter()
        try:
            body = await load()
        except Exception:
            metrics.LOADS.labels("error").inc()
            entry = shared or self._memory.get(key)
            if entry is not None and time.monotonic() < entry.error_until:
                return Lookup(entry, "STALE")
            raise
        seconds = time.perf_counter() - started
        metrics.LOADS.labels("ok").inc()
        metrics.LOAD_SECONDS.observe(seconds)
        entry = Entry.load(body, seconds, self._config)
        if self._keep(self._flights, key, entry):
            self._jobs.spawn(self.shared.put(key, entry))
        return Lookup(entry, "MISS")

    async def _look_up(self, key: str) -> Entry | None:
        entry = await self.shared.get(key)
        if entry is None:
            if len(self._absent) >= MAX_ABSENT:
                self._absent.clear()
            self._absent[key] = time.monotonic()
        if entry is None or time.monotonic() >= entry.refresh_at:
            return None
        self._keep(self._lookups, key, entry)
        return entry

    def _keep(self, tasks: dict[str, asyncio.Task[Any]], key: str, entry: Entry) -> bool:
        """Put into L1, unless `key` was invalidated since this task began."""
        current = tasks.get(key) is asyncio.current_task()
        if current:
            self._memory.put(key, entry)
        return current

    @staticmethod
    def _forget(tasks: dict[str, asyncio.Task[Any]], key: str, done: asyncio.Task[Any]) -> None:
        if tasks.get(key) is done:
            del tasks[key]


async def _outcome(task: asyncio.Task[T]) -> T:
    """Wait for a task that others may wait for too; what would end a task ends `task` and not who waits for it."""
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        if not task.cancelled():  # but who waits for it
            raise
        raise RuntimeError("a load was cancelled") from None
    except Exception:
        raise
    except BaseException as error:
        raise RuntimeError(f"a load ended in {type(error).__name__}") from error
