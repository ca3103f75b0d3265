import contextlib
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable

from ..redis_client import RedisClient, RedisError
from .answer import Answer, Record
from .errors import ConflictingKeyError, InProgressError
from .key import IdempotencyKey
from .metrics import REPLAYS

# A process that dies half-way leaves its claim behind: after this the key can be tried again.
CLAIM_SECONDS = 60
MAX_LOCAL = 10_000


class IdempotencyStore:
    """Claims keys in Redis, so that a repetition that reaches another replica finds the first answer too.

    While Redis is away keys are kept in this process: a repetition is found out as long as it comes to the same one.
    """

    def __init__(self, redis: RedisClient, *, ttl_seconds: int) -> None:
        self._redis = redis
        self._ttl_seconds = ttl_seconds
        self._local: OrderedDict[str, tuple[Record, float]] = OrderedDict()

    async def run_once(self, key: IdempotencyKey, carry_out: Callable[[], Awaitable[Answer]]) -> Answer:
        """Return the answer of `carry_out`, or the one that there was for `key` before.

        A request that fails claims nothing: it may be sent again with the same key.

        Raises:
            ConflictingKeyError: the key came with another request before.
            InProgressError: the first request is still being carried out.
        """
        name = self._redis.key(f"idempotency:{key.name.hex()}")
        claim = Record(key.fingerprint.hex())
        earlier = await self._claim(name, claim)
        if earlier is not None:
            if earlier.fingerprint != claim.fingerprint:
                raise ConflictingKeyError
            if earlier.answer is None:
                raise InProgressError
            REPLAYS.inc()
            return earlier.answer
        try:
            answer = await carry_out()
        except BaseException:
            await self._release(name)
            raise
        await self._keep(name, Record(claim.fingerprint, answer))
        return answer

    async def _claim(self, name: str, claim: Record) -> Record | None:
        """Return the record that is there, or put the claim in its place."""
        if (earlier := self._find_local(name)) is not None:
            return earlier
        try:
            if await self._redis.write("SET", name, claim.encode(), "EX", CLAIM_SECONDS, "NX") is not None:
                return None
            encoded = await self._redis.read("GET", name)
        except RedisError:
            if (earlier := self._find_local(name)) is not None:  # of a request that waited for Redis as we did
                return earlier
            self._keep_local(name, claim, CLAIM_SECONDS)
            return None
        # It may have expired between the two calls; whoever claimed it has had a minute, so the next try will pass.
        return claim if encoded is None else Record.decode(encoded)

    async def _keep(self, name: str, record: Record) -> None:
        # Here first: it has happened, whatever ends the call to Redis.
        self._keep_local(name, record, self._ttl_seconds)
        with contextlib.suppress(RedisError):
            await self._redis.write("SET", name, record.encode(), "EX", self._ttl_seconds)
            self._local.pop(name, None)

    async def _release(self, name: str) -> None:
        self._local.pop(name, None)
        try:
            await self._redis.write("DEL", name)
        except RedisError:
            return  # the claim expires by itself

    def _find_local(self, name: str) -> Record | None:
        found = self._local.get(name)
        if found is None or found[1] < time.monotonic():
            return None
        return found[0]

    def _keep_local(self, name: str, record: Record, seconds: float) -> None:
        self._local[name] = record, time.monotonic() + seconds
        self._local.move_to_end(name)
        if len(self._local) > MAX_LOCAL:
            self._local.popitem(last=False)
