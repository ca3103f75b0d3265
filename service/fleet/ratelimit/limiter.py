import asyncio
import contextlib
import time
from collections import OrderedDict

from ..redis_client import NoScriptError, RedisClient, RedisError
from ..supervision import Jobs, SupervisedTask
from . import metrics
from .decision import Decision
from .lease import Lease
from .script import LEASE, LEASE_SHA

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
        self._jobs = Jobs("rate_limit_lease")
        self.background = SupervisedTask("rate_limit_sweeper", self._sweep_forever)

    async def start(self) -> None:
        """Begin returning what lies unused."""
        self.background.start()

    async def aclose(self) -> None:
        """Give back what is held, so that the other replicas may spend it."""
        await self.background.aclose()
        for lease in tuple(self._idle_candidates):
            lease.expires_at = 0.0
        self._return_unused(time.monotonic())
        await self._jobs.join()

    async def decide(self, key: str, limit: int, window: float) -> Decision:
        """Spend one of `limit` requests per `window` seconds of `key`; never raises because of Redis."""
        decision = self.decide_at_once(key, limit, window)
        if decision is not None:
            return decision
        lease = self._lease(key, limit, window)
        waiter: asyncio.Future[Decision] = asyncio.get_running_loop().create_future()
        lease.waiters.append(waiter)
        self._renew(lease)
        return await waiter

    def decide_at_once(self, key: str, limit: int, window: float) -> Decision | None:
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
            redis_key = self._redis.key(f"permits:{window:g}:{key}")
            lease = self._leases[identity] = Lease.of(redis_key, limit, window)
            if len(self._leases) > self._local_keys:
                self._leases.popitem(last=False)
        else:
            self._leases.move_to_end(identity)
        return lease

    def _take_local(self, lease: Lease, now: float) -> Decision:
        if self._redis.is_enabled:  # where there is none by choice, the share is the rule and no emergency
            metrics.DEGRADED.inc()
        return lease.take_local(now, max(1, lease.limit // self._replicas))

    def _renew(self, lease: Lease) -> None:
        if not lease.renewing:
            lease.renewing = True
            task = self._jobs.spawn(self._renew_until_served(lease))
            task.add_done_callback(lambda done: self._renewed(lease, done))

    def _renewed(self, lease: Lease, task: asyncio.Task[None]) -> None:
        if task.cancelled():  # perhaps before its first step
            lease.renewing = False
            self._answer_locally(lease)

    async def _renew_until_served(self, lease: Lease) -> None:
        """Ask Redis for as many permits as are waited for, and hand them out in the order of asking.

        If anything goes wrong, those who wait are answered from the local share.
        """
        try:
            while True:
                await self._ask(lease, waiting=len(lease.waiters), target=lease.next_size(time.monotonic()))
                self._serve(lease)
                if not lease.waiters:
                    return
        except RedisError:
            self._answer_locally(lease)
        except BaseException:
            self._answer_locally(lease)
            raise
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
            waiter = lease.waiters[0]  # in its place until it is answered, whatever goes wrong
            if not waiter.done():  # else its request was cancelled meanwhile
                allowed = lease.permits > 0
                lease.permits -= allowed
                lease.taken += allowed
                self._answer(waiter, lease.decide(now, allowed=allowed))
            lease.waiters.popleft()
        if lease.permits:
            self._idle_candidates.add(lease)

    def _answer(self, waiter: asyncio.Future[Decision], decision: Decision) -> None:
        if not decision.allowed:
            metrics.DENIED.inc()
        waiter.set_result(decision)

    def _answer_locally(self, lease: Lease) -> None:
        metrics.FAILED.inc()
        now = time.monotonic()
        lease.retry_redis_at = now + RETRY_REDIS_SECONDS
        while lease.waiters:
            waiter = lease.waiters.popleft()
            if not waiter.done():
                self._answer(waiter, self._take_local(lease, now))

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
                self._jobs.spawn(self._return(lease))

    async def _return(self, lease: Lease) -> None:
        with contextlib.suppress(RedisError):  # they come back by themselves, one window after the grant
            await self._ask(lease, waiting=0, target=0)
