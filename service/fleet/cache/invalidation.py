import asyncio
import contextlib
import logging
import time
from typing import Any

from ..redis_client import PubSub, RedisClient, RedisError
from ..supervision import Jobs, OutageLog, SupervisedTask
from . import messages, metrics
from .acknowledgements import TRUST_SECONDS
from .messages import Answer, Presence, Written
from .tiered import TieredCache
from .versions import MARK, Order

logger = logging.getLogger(__name__)

PING_INTERVAL_SECONDS = 0.5
SUBSCRIBE_TIMEOUT_SECONDS = 1.0
RECONNECT_SECONDS = 0.5
# By then the circuit breaker has said that Redis is away, if that is why.
LOG_GRACE_SECONDS = 5.0


class InvalidationChannel:
    """Drops from this process's L1 what other replicas write, as they write it, and answers them that it did.

    It is pinged twice a second. An answer proves that all messages from before its ping have been heard, as it comes
    behind them; so L1 is trusted for 1.5 s from when the last answered ping was sent. Once that time is over, or after
    reconnecting, it starts empty, as messages may have been missed.
    """

    def __init__(self, redis: RedisClient, cache: TieredCache) -> None:
        self._redis = redis
        self._cache = cache
        self._acknowledgements = cache.shared.acknowledgements
        self._answers_channel = cache.shared.answers_channel(cache.sender).encode()  # as messages have it
        self._unanswered: dict[bytes, list[int]] = {}
        self._answers = Jobs("cache_answer")
        self._outage = OutageLog(
            logger,
            "The invalidation channel is down: L1 believes what it holds for a second only, and L2 is not filled.",
            "The invalidation channel is up again.",
            grace_seconds=LOG_GRACE_SECONDS,
        )
        self.background = SupervisedTask("cache_invalidation", self._run)

    async def start(self) -> None:
        """Listen from now on, through outages, until closed; to nothing where there is no Redis by choice."""
        if not self._redis.is_enabled:
            metrics.CHANNEL_UP.set(float("nan"))
            return
        self.background.start()

    async def aclose(self) -> None:
        """Stop listening, and tell the others not to wait for this process any more."""
        await self.background.aclose()
        await self._answers.join()
        if self.background.is_started:
            with contextlib.suppress(RedisError):  # then some wait once
                await self._say(listens=False)

    async def _run(self) -> None:
        while True:
            try:
                await self._listen()
            except (RedisError, OSError) as error:
                if self._redis.available:  # else that is said once, for all of Redis
                    self._outage.failed(error)
            finally:
                metrics.CHANNEL_UP.set(0)
                self._acknowledgements.close()
                self._cache.distrust()
            await asyncio.sleep(RECONNECT_SECONDS)

    async def _listen(self) -> None:
        async with self._redis.pubsub() as subscription:
            asked_at = time.monotonic()
            async with asyncio.timeout(SUBSCRIBE_TIMEOUT_SECONDS):
                await subscription.subscribe(self._cache.shared.channel, self._answers_channel)
                for _ in range(2):
                    await subscription.get_message(timeout=None)
            # Before, so that who hears it is right to think so; after, as nobody has waited for this process till then.
            self._cache.forget_all()
            await self._say(listens=True)
            self._cache.forget_all()
            self._cache.trusted_until = asked_at + TRUST_SECONDS
            self._acknowledgements.open()
            self._outage.worked()
            metrics.CHANNEL_UP.set(1)
            # Never cut off by a timeout: that could lose half a message.
            reader = asyncio.ensure_future(self._read(subscription))
            try:
                await self._ping(subscription, reader)
            finally:
                reader.cancel()
                await asyncio.gather(reader, return_exceptions=True)

    async def _read(self, subscription: PubSub) -> None:
        """Receive for ever: all that has arrived in one turn of the event loop."""
        while True:
            self._receive(await subscription.get_message(timeout=None))

    async def _ping(self, subscription: PubSub, reader: asyncio.Future[None]) -> None:
        """Ping, and resend, for as long as that is answered. Raises: what ends the reader, TimeoutError."""
        while time.monotonic() < self._cache.trusted_until:
            await self._cache.shared.resend()
            await subscription.ping(repr(time.monotonic()))
            await asyncio.wait([reader], timeout=PING_INTERVAL_SECONDS)
            if reader.done():
                reader.result()
        raise TimeoutError("no sign of life")

    async def _say(self, *, listens: bool) -> None:
        presence = Presence(self._cache.sender, listens)
        await self._redis.write("PUBLISH", self._cache.shared.channel, presence.encode())

    def _receive(self, message: dict[str, Any]) -> None:
        data: bytes = message["data"]
        if message["type"] == "pong":
            self._trust(float(data))
        elif message["channel"] == self._answers_channel:
            self._acknowledgements.answered(messages.parse_answer(data))
        else:
            self._hear(messages.parse(data))

    def _trust(self, asked_at: float) -> None:
        if time.monotonic() >= self._cache.trusted_until:
            # Those who wrote meanwhile have stopped waiting for this process, and learn by its hello to wait again.
            raise TimeoutError("too late a sign of life")
        self._cache.trusted_until = asked_at + TRUST_SECONDS

    def _hear(self, said: Written | Presence | None) -> None:
        match said:
            case Written(sender, number) if sender == self._cache.sender:
                if number is not None:  # its own L1 it has seen to before it published
                    self._acknowledgements.came_back(number)
            case Written(sender, number, key, version):
                metrics.INVALIDATIONS.labels("received").inc()
                self._cache.hear(key, Order(version, MARK))
                if number is not None:
                    self._answer(sender, number)
            case Presence(sender) if sender != self._cache.sender:
                self._acknowledgements.met(said)

    def _answer(self, sender: bytes, number: int) -> None:
        """Answer, in the next turn of the event loop, with whatever else has arrived from there."""
        if sender in self._unanswered:
            self._unanswered[sender].append(number)
            return
        self._unanswered[sender] = [number]
        self._answers.spawn(self._send_answer(sender))

    async def _send_answer(self, sender: bytes) -> None:
        answer = Answer(self._cache.sender, self._unanswered.pop(sender))
        with contextlib.suppress(RedisError):  # the one who waits for it says so
            await self._redis.write("PUBLISH", self._cache.shared.answers_channel(sender), answer.encode())
