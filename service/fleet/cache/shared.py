import asyncio
import time
from collections.abc import Awaitable
from typing import Any, NamedTuple

from ..redis_client import NoScriptError, OutOfMemoryError, RedisClient, RedisError
from ..supervision import Jobs
from . import metrics
from .acknowledgements import Acknowledgements
from .codec import FORMAT, CodecError, decode, encode, encode_mark
from .config import CacheConfig
from .entry import Entry
from .messages import Written
from .scripts import PUT, PUT_SHA
from .versions import NOTHING, Order, is_recent

CHANNEL = "written"
ANSWERS_CHANNEL = "heard"
MARK_SECONDS = 10.0  # longer than any process keeps what it has read
RETURN_SECONDS = 3.0  # in which each process is back itself, and has told what it could not
MAX_UNSENT = 10_000
RESEND_AT_ONCE = 256
PUT_AT_ONCE = 128  # for which Redis takes less than a millisecond

Words = tuple[str, tuple[bytes | int, ...]]


class Fill(NamedTuple):
    """What was loaded, from when on (monotonic), and what it replaces though that is newer."""

    key: str
    entry: Entry
    began: float
    replaces: Order


class Shared(NamedTuple):
    """What L2 knows of a key: an entry, if it has one, and the lowest version that the key can have."""

    entry: Entry | None
    order: Order


NOTHING_SAID = Shared(None, NOTHING)


class SharedCache:
    """L2: entries in Redis, shared by all replicas, each replaced by newer ones only.

    A write puts its value there, a deletion an entry that there is none. Of writes that Redis did not hear of the
    versions are kept, and told once it is back; until then this process does not read their keys, and for three seconds
    after Redis was away no process reads any.
    """

    def __init__(self, redis: RedisClient, config: CacheConfig, *, sender: bytes) -> None:
        self._redis = redis
        self._config = config
        self._sender = sender
        self._unsent: dict[str, Order] = {}
        self._fills: list[Fill] = []
        self._filling: asyncio.Task[None] | None = None
        self._jobs = Jobs("cache_fill")
        self.channel = redis.key(CHANNEL)
        self.acknowledgements = Acknowledgements(sender)

    async def aclose(self) -> None:
        """Wait for the fills under way."""
        await self._jobs.join()

    def answers_channel(self, sender: bytes) -> str:
        """The channel on which a process is told who has applied its messages."""
        return self._redis.key(f"{ANSWERS_CHANNEL}:{sender.decode()}")

    @property
    def reachable(self) -> bool:
        """Whether Redis is there, as far as is known."""
        return self._redis.available

    @property
    def readable(self) -> bool:
        """Whether Redis can be read now."""
        return (
            self._config.l2_enabled
            and self.reachable
            and time.monotonic() >= self._redis.available_since + RETURN_SECONDS
        )

    @property
    def unsent(self) -> int:
        """How many writes Redis must still be told of."""
        return len(self._unsent)

    def untold(self, key: str) -> Order:
        """The write of `key` that Redis must still be told of; `NOTHING` if there is none."""
        return self._unsent.get(key, NOTHING)

    async def get(self, key: str) -> Shared:
        """What Redis says of `key`; nothing for a miss, what is no value of ours, or where it could not be asked."""
        if not self.readable or key in self._unsent:
            return NOTHING_SAID
        try:
            value = await self._redis.get(self._redis_key(key))
        except RedisError:
            metrics.L2_ERRORS.labels("get").inc()
            return NOTHING_SAID
        if value is None:
            return NOTHING_SAID
        try:
            order, entry = decode(value, self._config)
        except CodecError:
            metrics.L2_ERRORS.labels("decode").inc()
            return NOTHING_SAID
        return Shared(entry, order)

    def put(self, key: str, entry: Entry, began: float, replaces: Order = NOTHING) -> None:
        """Keep what was loaded from `began` on (monotonic) until it may not even be served on error.

        Not over what is newer, unless that is what it `replaces`. What is put during a trip goes in the next.
        """
        if self._config.l2_enabled:
            self._fills.append(Fill(key, entry, began, replaces))
            if self._filling is None or self._filling.done():
                self._filling = self._jobs.spawn(self._put_all())

    async def _put_all(self) -> None:
        while self._fills:
            batch, self._fills = self._fills[:PUT_AT_ONCE], self._fills[PUT_AT_ONCE:]
            # A process that paused on the way keeps nothing.
            due = [fill for fill in batch if fill.key not in self._unsent and is_recent(fill.began)]
            if not due:
                continue
            try:
                await self._set([self._words(fill.key, fill.entry, fill.entry.order, fill.replaces) for fill in due])
                await self._take_back_if_late(due)
            except RedisError:
                metrics.L2_ERRORS.labels("put").inc()

    async def tell(self, key: str, entry: Entry | None, order: Order, began: float) -> None:
        """Tell Redis and all replicas of a write, and wait until all have heard; or tell as soon as Redis is back.

        Without an entry, because it may not be the newest, they are told that the key has reached this version. Nobody
        is told where there is no Redis by choice.
        """
        if not self._redis.is_enabled:
            return
        try:
            with self.acknowledgements.expected() as acknowledgement:
                receivers = await self._tell(key, entry, order, acknowledgement.number)
                if entry is not None:
                    await self._take_back_if_late([Fill(key, entry, began, NOTHING)])
                await self.acknowledgements.wait(acknowledgement, receivers)
        except RedisError:
            metrics.L2_ERRORS.labels("tell").inc()
            self._unsent[key] = max(order, self.untold(key))
            if len(self._unsent) > MAX_UNSENT:
                # Its L2 value, if Redis kept it, is now read as if nothing had happened, until its TTL ends.
                del self._unsent[next(iter(self._unsent))]
        else:
            self._told(key, order)

    async def resend(self) -> None:
        """Tell what could not be told: one, then the others if Redis takes it. What fails again stays for next time."""
        # One ahead: each that is refused may still be published, and costs every replica a message.
        count = 1
        while self._unsent and self._redis.available and await self._resend(count):
            count = RESEND_AT_ONCE

    async def _resend(self, count: int) -> bool:
        writes = list(self._unsent.items())[:count]
        outcomes = await asyncio.gather(
            *(self._tell(key, None, order) for key, order in writes), return_exceptions=True
        )
        for (key, order), outcome in zip(writes, outcomes, strict=True):
            if not isinstance(outcome, BaseException):
                metrics.INVALIDATIONS.labels("resent").inc()
                self._told(key, order)
        return not any(isinstance(outcome, BaseException) for outcome in outcomes)

    def _told(self, key: str, order: Order) -> None:
        if self.untold(key) <= order:
            self._unsent.pop(key, None)

    async def _tell(self, key: str, entry: Entry | None, order: Order, number: int | None = None) -> int:
        """Returns how many processes Redis gave the message to."""
        message = Written(self._sender, number, key, order.version)
        # Both leave in one pipeline, in this order: who hears of it finds it in L2, or the script unknown and its
        # own memory of the message.
        publish = ("PUBLISH", self.channel, message.encode())
        receivers: int
        try:
            receivers = await _both(self._set([self._words(key, entry, order, NOTHING)]), self._redis.write(*publish))
        except OutOfMemoryError:
            receivers = await _both(self._redis.write("UNLINK", self._redis_key(key)), self._redis.write(*publish))
        metrics.INVALIDATIONS.labels("sent").inc()
        return receivers

    def _words(self, key: str, entry: Entry | None, order: Order, replaces: Order) -> Words:
        """Return what the script is to know of one key: its name in Redis, and the arguments that go with it."""
        seconds = MARK_SECONDS
        if entry is None or not self._config.l2_enabled:
            value = encode_mark(order)
        else:
            value = encode(entry, self._config.compress_bytes)
            seconds = max(seconds, entry.error_until - time.monotonic())
        return self._redis_key(key), (value, int(seconds * 1000), _packed(replaces))

    def _set(self, words: list[Words]) -> Awaitable[None]:
        """Set each key to what is newer; under way when this returns, to be awaited."""
        arguments = (word for _, of_key in words for word in of_key)
        command = (len(words), *(key for key, _ in words), *arguments)
        return self._set_or_teach(command, self._redis.write("EVALSHA", PUT_SHA, *command))

    async def _set_or_teach(self, command: tuple[str | bytes | int, ...], setting: asyncio.Future[Any]) -> None:
        try:
            await setting
        except NoScriptError:  # a Redis that has not seen it since its start
            await self._redis.write("EVAL", PUT, *command)

    async def _take_back_if_late(self, fills: list[Fill]) -> None:
        """Remove what was put: this process paused on the way, and Redis may have forgotten what was newer."""
        if late := [self._redis_key(fill.key) for fill in fills if not is_recent(fill.began)]:
            await self._redis.write("UNLINK", *late)

    def _redis_key(self, key: str) -> str:
        return self._redis.key(f"cache:{FORMAT}:{key}")


def _packed(order: Order) -> bytes:
    return b"" if order == NOTHING else order.version.to_bytes(8, "big") + bytes([order.kind])


async def _both(first: Awaitable[Any], second: Awaitable[Any]) -> Any:  # noqa: ANN401 - what Redis replies
    """Wait for both, which are under way, and return what the second brought, or raise what one of them raised."""
    try:
        await first
    finally:
        brought = await second
    return brought
