"""One process of the property test: writers and readers behind its caches; says all that they did when stdin ends."""

import asyncio
import json
import random
import sys
import time
from pathlib import Path
from typing import Any
from unittest import mock

import asyncpg
from redis.asyncio.client import PubSub

from service.fleet.cache import CacheConfig, InvalidationChannel, Loaded, TieredCache, shared, tiered
from service.fleet.cache.acknowledgements import Acknowledgements
from service.fleet.cache.entry import Entry
from service.fleet.cache.shared import SharedCache
from service.fleet.cache.versions import FOUND, NOTHING, Minimums, Order
from service.fleet.redis_client import RedisClient, RedisConfig
from service.fleet.staleness import Freshness
from tests.redis_process import HURRIED_SECONDS, PATIENT_SECONDS

KEYS = 20
LATE_SECONDS = 0.05
WRITERS, READERS = 4, 8
READ = "SELECT version FROM things WHERE id = $1"
WRITES = {
    "put": """INSERT INTO things VALUES ($1, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint)
        ON CONFLICT (id) DO UPDATE SET version = greatest(things.version + 1, excluded.version) RETURNING version""",
    "delete": """DELETE FROM things WHERE id = $1
        RETURNING greatest(version + 1, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint) AS version""",
}


class Worker:
    """Four writers and eight readers of twenty keys; reads that need not be fresh go to a replica that lags."""

    def __init__(self, cache: TieredCache, primary: "asyncpg.Pool[Any]", replica: "asyncpg.Pool[Any]") -> None:
        self._cache = cache
        self._primary = primary
        self._replica = replica
        self.may_write = asyncio.Event()
        self.has_ended = False
        self.writes: list[tuple[float, float, int, int, bool]] = []
        self.reads: list[tuple[float, float, int, int]] = []

    async def write(self) -> None:
        """Change and delete at random while it may; note when, the key, its version, and if it is there."""
        while not self.has_ended:
            await self.may_write.wait()
            key, kind = random.randrange(KEYS), random.choice(["put", "put", "delete"])
            began = time.monotonic()
            version = await self._primary.fetchval(WRITES[kind], key)
            if version is not None:
                body = str(version).encode() if kind == "put" else None
                await self._cache.wrote(f"things:{key}", body, version, began)
                self.writes.append((began, time.monotonic(), key, version, kind == "put"))
            await asyncio.sleep(random.uniform(0.01, 0.05))

    async def read(self) -> None:
        """Read at random, as the service does; note from when to when, the key, and the version seen, or 0."""
        while not self.has_ended:
            key = random.randrange(KEYS)
            began = time.monotonic()
            entry = self._cache.l1_entry(f"things:{key}")
            if entry is None:
                entry = (await self._cache.lookup(f"things:{key}", self._load(key))).entry
            self.reads.append((began, time.monotonic(), key, int(entry.body or 0)))
            await asyncio.sleep(random.uniform(0.01, 0.03))

    def _load(self, key: int) -> tiered.Load:
        async def load(freshness: Freshness) -> Loaded:
            is_recent = freshness is Freshness.RECENT
            version = await (self._replica if is_recent else self._primary).fetchval(READ, key)
            return Loaded(None, 0) if version is None else Loaded(str(version).encode(), version)

        return load


def forget_versions() -> None:
    """Break it: neither tier compares versions, nobody remembers any, and a deletion leaves nothing behind."""
    set_all = "for n, key in ipairs(KEYS) do redis.call('SET', key, ARGV[n * 3 - 2], 'PX', ARGV[n * 3 - 1]) end"
    mock.patch.object(shared, "PUT", set_all).start()
    mock.patch.object(shared, "PUT_SHA", "0" * 40).start()  # never known
    mock.patch.object(Minimums, "of", return_value=NOTHING).start()
    tell = SharedCache._tell

    async def tell_and_leave_nothing(
        self: SharedCache, key: str, entry: Entry | None, order: Order, number: int | None = None
    ) -> int:
        receivers = await tell(self, key, entry, order, number)
        if order.kind != FOUND:
            await self._redis.write("UNLINK", self._redis_key(key))
        return receivers

    mock.patch.object(SharedCache, "_tell", tell_and_leave_nothing).start()


def hear_late() -> None:
    """Let each message lie for a while, as a busy event loop does, while reads go on."""

    async def read(self: InvalidationChannel, subscription: PubSub) -> None:
        while True:
            message = await subscription.get_message(timeout=None)
            asyncio.get_running_loop().call_later(LATE_SECONDS, self._receive, message)

    mock.patch.object(InvalidationChannel, "_read", read).start()


def wait_for_nobody() -> None:
    """Break it: a write is acknowledged as soon as Redis was told."""
    mock.patch.object(Acknowledgements, "wait").start()


CHANGES = {change.__name__: change for change in (forget_versions, hear_late, wait_for_nobody)}


async def main(redis_url: str, primary_url: str, replica_url: str, report: str, *, call_seconds: float) -> None:
    """Write while told to, read all the time."""
    redis = RedisClient(RedisConfig(url=redis_url, call_timeout_seconds=call_seconds))
    cache = TieredCache(redis, CacheConfig())
    channel = InvalidationChannel(redis, cache)
    await redis.start()
    await channel.start()
    async with (
        asyncpg.create_pool(primary_url, min_size=0, max_size=4) as primary,
        asyncpg.create_pool(replica_url, min_size=0, max_size=4) as replica,
    ):
        worker = Worker(cache, primary, replica)
        tasks = [asyncio.create_task(worker.write()) for _ in range(WRITERS)]
        tasks += [asyncio.create_task(worker.read()) for _ in range(READERS)]
        # What is written before this process listens may be seen late.
        while time.monotonic() >= cache.trusted_until:  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.01)
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        while command := await asyncio.to_thread(sys.stdin.readline):
            if command == "write\n":
                worker.may_write.set()
            else:
                worker.may_write.clear()
        worker.has_ended = True
        worker.may_write.set()
        await asyncio.gather(*tasks)
    await channel.aclose()
    await cache.aclose()
    await redis.aclose()
    Path(report).write_text(json.dumps({"writes": worker.writes, "reads": worker.reads}), encoding="utf-8")  # noqa: ASYNC240 - at the end


if __name__ == "__main__":
    *arguments, given = sys.argv[1:]
    changes = [CHANGES[name] for name in given.split()]
    for change in changes:
        change()
    asyncio.run(main(*arguments, call_seconds=PATIENT_SECONDS if hear_late in changes else HURRIED_SECONDS))
