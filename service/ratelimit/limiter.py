import asyncio
import contextlib
import time
from collections import OrderedDict
from collections.abc import Coroutine

from redis.exceptions import NoScriptError, RedisError

from service.ratelimit import metrics
from service.ratelimit.decision import Decision
from service.ratelimit.lease import Lease
from service.ratelimit.script import LEASE, LEASE_SHA
from service.redis_client import RedisClient

LeaseReply = tuple[int, int, int, bytes]  # granted, left to all, ms until a permit comes back, slot

RETRY_REDIS_SECONDS = 0.5
SWEEP_INTERVAL_SECONDS = 0.25


class RateLimiter:
    """Counts requests per key over a sliding window, over all processes that share a Redis.

    Permits are leased from Redis in lots that follow the key's rate and shrink towards the end of the limit
    (guided self-scheduling: at most 1/`replicas` of what is left), are spent without a trip, and go back when unused.
    Where Redis can't be asked, this process allows its share of the limit: limit / `replicas`.

    `local_keys` bounds the keys remembered; the least recently used is forgotten first.
    """

    def __init__(self, redis: RedisClient, *, replicas: int, local_keys: int = 10_000) -> None:
        self._redis = redis
        self._replicas = replicas
        self._local_keys = local_keys
        self._leases: OrderedDict[tuple[str, int, float], Lease] = OrderedDict()
        self._idle_candidates: set[Lease] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._sweeper: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin returning what lies unused."""
        self._sweeper = asyncio.get_running_loop().create_task(self._sweep_forever())

    async def aclose(self) -> None:
        """Give back what is held, so that the other replicas may spend it."""
        if self._sweeper is not None:
            self._sweeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._sweeper
        for lease in tuple(self._idle_candidates):
            lease.expires_at = 0.0
        self._return_unused(time.monotonic())
        while self._tasks:
            await asyncio.wait(tuple(self._tasks))

    async def is_allowed(self, key: str, limit: int, window: float) -> Decision:
        """Spend one of `limit` requests per `window` seconds of `key`; never raises for Redis's sake."""
        decision = self.try_acquire(key, limit, window)
        if decision is not None:
            return decision
        lease = self._lease(key, limit, window)
        waiter: asyncio.Future[Decision] = asyncio.get_running_loop().create_future()
        lease.waiters.append(waiter)
        self._renew(lease)
        return await waiter

    def try_acquire(self, key: str, limit: int, window: float) -> Decision | None:
        """The same without waiting: None where Redis has to be asked first."""
        lease = self._lease(key, limit, window)
        now = time.monotonic()
        decision = lease.take(now)
        if decision is None:
            if self._redis.available and now >= lease.retry_redis_at:
                return None
            decision = self._take_local(lease, now)
        elif lease.runs_low():
            self._renew(lease)
        if not decision.allowed:
            metrics.DENIED.inc()
        return decision

    def _lease(self, key: str, limit: int, window: float) -> Lease:
        identity = (key, limit, window)
        lease = self._leases.get(identity)
        if lease is None:
            lease = self._leases[identity] = Lease.of(key, limit, window)
            if len(self._leases) > self._local_keys:
                self._leases.popitem(last=False)
        else:
            self._leases.move_to_end(identity)
        return lease

    def _take_local(self, lease: Lease, now: float) -> Decision:
        metrics.DEGRADED.inc()
        return lease.take_local(now, max(1, lease.limit // self._replicas))

    def _renew(self, lease: Lease) -> None:
        if not lease.renewing:
            lease.renewing = True
            self._spawn(self._renew_until_served(lease))

    async def _renew_until_served(self, lease: Lease) -> None:
        """Ask Redis for as many permits as are waited for, and hand them out in the order of asking."""
        try:
            while True:
                await self._ask(lease, waiting=len(lease.waiters), target=lease.next_size(time.monotonic()))
                self._serve(lease)
                if not lease.waiters:
                    return
        except RedisError:
            metrics.FAILED.inc()
            lease.retry_redis_at = time.monotonic() + RETRY_REDIS_SECONDS
            for waiter in self._drain(lease):
                self._answer(waiter, self._take_local(lease, time.monotonic()))
        finally:
            lease.renewing = False

    async def _ask(self, lease: Lease, *, waiting: int, target: int) -> None:
        now = time.monotonic()
        unused = lease.permits if now >= lease.expires_at else 0
        lease.permits -= unused
        granted, remaining, reset_ms, slot = await self._run_script(lease, waiting, target, unused)
        now = time.monotonic()
        metrics.GRANTED.inc(granted)
        metrics.RETURNED.inc(unused)
        (metrics.LEASED if granted else metrics.REFUSED).inc()
        lease.global_remaining = remaining
        lease.reset_at = now + reset_ms / 1000
        if granted < max(waiting, min(target, 1)):
            lease.denied_until = now + min(reset_ms / 1000, lease.lifetime_seconds)
        if granted:
            lease.permits += granted
            lease.size = granted
            lease.slot = slot
            lease.expires_at = now + lease.lifetime_seconds
        lease.leased_at = now
        lease.taken = 0

    async def _run_script(self, lease: Lease, waiting: int, target: int, unused: int) -> LeaseReply:
        arguments = (
            1,
            lease.redis_key,
            lease.limit,
            int(lease.window_seconds * 1000),
            max(1, int(lease.slot_seconds * 1000)),
            waiting,
            target,
            self._replicas,
            lease.slot,
            unused,
        )
        try:
            reply: LeaseReply = await self._redis.write("EVALSHA", LEASE_SHA, *arguments)
        except NoScriptError:  # a Redis that has not seen it since its start
            reply = await self._redis.write("EVAL", LEASE, *arguments)
        return reply

    def _serve(self, lease: Lease) -> None:
        now = time.monotonic()
        refused = now < lease.denied_until
        while lease.waiters and (lease.permits or refused):
            waiter = lease.waiters.popleft()
            if waiter.done():  # its request was cancelled meanwhile
                continue
            if lease.permits:
                lease.permits -= 1
                lease.taken += 1
                waiter.set_result(lease.decide(now, allowed=True))
            else:
                self._answer(waiter, lease.decide(now, allowed=False))
        if lease.permits:
            self._idle_candidates.add(lease)

    def _answer(self, waiter: asyncio.Future[Decision], decision: Decision) -> None:
        if not decision.allowed:
            metrics.DENIED.inc()
        waiter.set_result(decision)

    @staticmethod
    def _drain(lease: Lease) -> list[asyncio.Future[Decision]]:
        waiters = [waiter for waiter in lease.waiters if not waiter.done()]
        lease.waiters.clear()
        return waiters

    async def _sweep_forever(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_INTERVAL_SECONDS)
            metrics.KEYS.set(len(self._leases))
            self._return_unused(time.monotonic())

    def _return_unused(self, now: float) -> None:
        for lease in tuple(self._idle_candidates):
            if lease.permits and now < lease.expires_at:
                continue
            self._idle_candidates.discard(lease)
            if lease.permits and not lease.renewing:
                self._spawn(self._return(lease))

    async def _return(self, lease: Lease) -> None:
        with contextlib.suppress(RedisError):  # they come back by themselves, one window after the grant
            await self._ask(lease, waiting=0, target=0)

    def _spawn(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
