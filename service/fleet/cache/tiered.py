import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from prometheus_client import Counter

from ..http.state_key import StateKey
from ..redis_client import RedisClient
from ..staleness import Freshness
from ..supervision import Jobs
from . import metrics
from .config import CacheConfig
from .entry import Entry
from .flight import Flight
from .memory import MemoryCache
from .response import Tier
from .shared import SharedCache
from .versions import ABSENT, MARK, NOTHING, Minimums, Order


class Loaded(NamedTuple):
    """What the source answered: a body, or None, and of which version; 0 where it does not know."""

    body: bytes | None
    version: int = 0
    cacheable: bool = True
    seconds: float | None = None
    """For which it is fresh; as configured where that is None."""


Load = Callable[[Freshness], Awaitable[Loaded]]
"""Asks the source, for an answer that is so fresh at least."""


class Loading(NamedTuple):
    """A load that has ended: its entry, when it began, and the least that was known of the key then."""

    entry: Entry
    cacheable: bool
    began: float
    known: Order


class Lookup(NamedTuple):
    """An entry, and where it came from."""

    entry: Entry
    tier: Tier


LOOKED_UP = StateKey[Lookup | Exception]("looked_up")
"""What a layer further out was given or met, so that a request looks up once."""


_FOUND_IN: dict[Tier, Counter] = {
    "L1": metrics.HIT_L1,
    "L2": metrics.HIT_L2,
    "MISS": metrics.MISS,
    "STALE": metrics.STALE,
}


class TieredCache:
    """L1 in this process, L2 in Redis, then the source: each asked only if the one before has nothing fresh.

    One load per key and process is under way at a time, whoever asks. What is due is refreshed in the background; what
    is stale is served meanwhile. Redis being away costs hits, never an answer.

    Both tiers hold the newest version that they heard of; a load that is older than what is known is repeated, fresh.
    """

    def __init__(self, redis: RedisClient, config: CacheConfig) -> None:
        self._config = config
        self._memory = MemoryCache(config.l1_bytes)
        self._minimums = Minimums()
        self.sender = secrets.token_hex(8).encode()
        self.shared = SharedCache(redis, config, sender=self.sender)
        self._flights: dict[str, Flight[Lookup]] = {}
        self._jobs = Jobs("cache_load")
        self.trusted_until = 0.0
        """Until then (monotonic) no invalidation can have been missed; the invalidation channel moves it on."""

    def trust_always(self) -> None:
        """Trust L1 without an invalidation channel: no other process writes what it holds."""
        self.trusted_until = float("inf")

    async def aclose(self) -> None:
        """Wait for the loads and fills under way."""
        await self._jobs.join()
        await self.shared.aclose()

    def l1_entry(self, key: str) -> Entry | None:
        """The L1 entry if it is fresh, not yet due for refresh, and can be trusted; no I/O, no waiting."""
        entry = self._memory.get(key)
        if entry is None:
            return None
        now = time.monotonic()
        if now < entry.refresh_at and self._believes(entry.verified_at, now):
            return entry
        return None

    async def lookup(self, key: str, load: Load) -> Lookup:
        """The entry of `key`, by `load` where no tier has it.

        Raises what `load` raises, unless an entry is left that may be served on error.
        """
        lookup = self._from_memory(key, load)
        while lookup is None:
            under_way = self._under_way(key)
            # In the task of who asks first: one of its own takes a tenth of an uncached request's time.
            lookup = await (self._fly(key, load, self._take_off(key)) if under_way is None else under_way.join())
        _FOUND_IN[lookup.tier].inc()
        return lookup

    def wrote(self, key: str, body: bytes | None, version: int, began: float) -> asyncio.Future[None]:
        """Let all tiers and replicas know what a write, begun at that time (monotonic), has left; None: nothing.

        To be called once it is committed. It is under way when this returns; whoever awaits that knows that they know.
        """
        entry = Entry.load(body, 0.0, self._config, version=version)
        self.hear(key, entry.order)
        is_newest = self._keep(key, entry, began)
        # In a task: who waits for it may be cancelled, and the write has happened.
        return asyncio.shield(self._jobs.spawn(self.shared.tell(key, entry if is_newest else None, entry.order, began)))

    def reached(self, key: str, version: int, began: float) -> asyncio.Future[None]:
        """Let all tiers and replicas know that a write, looked up from `began` on (monotonic), has left this version.

        It may have changed since: what it is now is loaded when it is asked for.
        """
        order = Order(version, MARK)
        self.hear(key, order)
        return asyncio.shield(self._jobs.spawn(self.shared.tell(key, None, order, began)))

    def hear(self, key: str, order: Order) -> None:
        """Drop what is older than a write, now and for five seconds. Loads under way still answer those who wait."""
        self._minimums.hear(key, order)
        held = self._memory.get(key)
        if held is not None and held.order < order:
            self._memory.discard(key)
        self._flights.pop(key, None)

    def distrust(self) -> None:
        """From now on writes may be missed. Loads under way answer those who wait for them, and are not kept."""
        self.trusted_until = 0.0
        self._minimums.miss()
        self._flights.clear()

    def forget_all(self) -> None:
        """Forget everything in this process: writes may have been missed."""
        self.distrust()
        self._memory.clear()

    def _from_memory(self, key: str, load: Load) -> Lookup | None:
        entry = self.l1_entry(key)
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
            flight = self._take_off(key)
            task = self._jobs.spawn(self._fly(key, load, flight))
            # One that was cancelled before it began has landed nothing.
            task.add_done_callback(lambda _: self._land(key, flight, None))

    def _under_way(self, key: str) -> Flight[Lookup] | None:
        """Return the look-up under way, unless writes may have been missed since it began."""
        flight = self._flights.get(key)
        return flight if flight is not None and self._believes(flight.began, time.monotonic()) else None

    def _take_off(self, key: str) -> Flight[Lookup]:
        flight: Flight[Lookup] = Flight(time.monotonic())
        self._flights[key] = flight
        return flight

    async def _fly(self, key: str, load: Load, flight: Flight[Lookup]) -> Lookup:
        """Look up for all who have joined by the end; where the caller is cancelled, one of them takes its place."""
        outcome: Lookup | Exception | None = None
        try:
            outcome = await self._fill(key, load)
        except Exception as error:
            outcome = error
            raise
        except BaseException as error:
            if _ends_caller(error):
                raise
            outcome = RuntimeError(f"a load ended in {type(error).__name__}")
            raise outcome from error
        finally:
            self._land(key, flight, outcome)
        return outcome

    def _land(self, key: str, flight: Flight[Lookup], outcome: Lookup | Exception | None) -> None:
        if self._flights.get(key) is flight:
            del self._flights[key]
        flight.land(outcome)

    async def _fill(self, key: str, load: Load) -> Lookup:
        began = time.monotonic()
        shared = await self.shared.get(key)
        known = self._known(key)
        if shared.entry is not None and time.monotonic() < shared.entry.refresh_at and shared.order >= known:
            self._keep(key, shared.entry, began)
            return Lookup(shared.entry, "L2")
        try:
            # While Redis is away writes are missed all the time: what is loaded is believed for a moment only.
            is_settling = self._minimums.settling and self.shared.reachable
            freshness = Freshness.PREFERRED if is_settling else Freshness.RECENT
            loading = await self._load(key, load, max(known, shared.order), freshness)
        except Exception:
            metrics.LOAD_FAILED.inc()
            held = self._memory.get(key)
            entry = held if shared.entry is None or (held and held.order > shared.order) else shared.entry
            if entry is not None and time.monotonic() < entry.error_until and entry.order >= self._known(key):
                return Lookup(entry, "STALE")
            raise
        if loading.cacheable and self._keep(key, loading.entry, loading.began, loading.known) and self._is_trusted:
            self.shared.put(key, loading.entry, loading.began, loading.known)
        return Lookup(loading.entry, "MISS")

    async def _load(self, key: str, load: Load, known: Order, freshness: Freshness) -> Loading:
        began = time.monotonic()
        loaded = await load(freshness)
        seconds = time.monotonic() - began
        metrics.LOADED.inc()
        metrics.LOAD_SECONDS.observe(seconds)
        version = loaded.version
        is_current = freshness is not Freshness.RECENT and loaded.cacheable
        if loaded.body is None and (is_current or known.kind == ABSENT):
            version = max(version, known.version)  # there is none any more: no version of its own, but not older
        entry = Entry.load(loaded.body, seconds, self._config, version=version, seconds=loaded.seconds)
        # A current one is right whatever is known: a failover may have lost what was.
        if is_current or entry.order >= (known := max(known, self._minimums.of(key))):
            return Loading(entry, loaded.cacheable, began, known)
        metrics.RELOADS.inc()
        return await self._load(key, load, known, Freshness.REQUIRED)

    def _believes(self, began: float, now: float) -> bool:
        """Whether what was read since then is as good as new: no write is missed, or it is a moment old."""
        return now < self.trusted_until or now < began + self._config.untrusted_seconds

    @property
    def _is_trusted(self) -> bool:
        return time.monotonic() < self.trusted_until

    def _known(self, key: str) -> Order:
        """The lowest version that `key` can have by now."""
        held = self._memory.get(key)
        return max(self._minimums.of(key), self.shared.untold(key), NOTHING if held is None else held.order)

    def _keep(self, key: str, entry: Entry, began: float, replaces: Order = NOTHING) -> bool:
        """Put what was read since `began` into L1, unless something newer is known than it and what it `replaces`."""
        if not self._minimums.cover(began) or self._known(key) > max(entry.order, replaces):
            return False
        entry.verified_at = began
        self._memory.put(key, entry)
        return True


def _ends_caller(error: BaseException) -> bool:
    """Whether that is meant for the task or process that it is raised in, and not what a load has come to."""
    if isinstance(error, asyncio.CancelledError):
        task = asyncio.current_task()
        return task is not None and task.cancelling() > 0
    return isinstance(error, KeyboardInterrupt | SystemExit)
