from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from tests.api import TOKEN, client_of, running
from tests.observe import sample
from tests.redis_process import RedisProcess

pytestmark = [pytest.mark.anyio, pytest.mark.integration]

GRACE = {"name": "Grace Hopper", "email": "grace@example.com"}


@asynccontextmanager
async def installation(redis: RedisProcess, prefix: str, **settings: object) -> AsyncIterator[httpx.AsyncClient]:
    """A service with a prefix of its own on a Redis that others use too."""
    values = {"redis_url": redis.url, "redis_key_prefix": prefix, "redis_call_timeout_seconds": 5, **settings}
    async with running(**values) as app, client_of(app, **TOKEN) as client:
        yield client


async def test_installations_on_one_redis_share_nothing(redis: RedisProcess) -> None:
    """Neither cached users nor limits, Idempotency-Keys or invalidations of one are another's."""
    limit = {"rate_limit_requests": 5}
    async with (
        installation(redis, "north/users", **limit) as north,
        installation(redis, "south/users", **limit) as south,
    ):
        assert (await north.patch("/api/users/1", json={"name": "Of the north"})).status_code == 200
        assert (await north.get("/api/users/1")).json()["name"] == "Of the north"
        assert (await south.get("/api/users/1")).json()["name"] != "Of the north"
        key = {"idempotency-key": "the-same"}
        answers = [await each.post("/api/users", json=GRACE, headers=key) for each in (north, south)]
        assert [answer.status_code for answer in answers] == [201, 201]
        received = sample("users_api_cache_invalidations_total", direction="received")
        assert [(await south.get("/api/users/2")).status_code for _ in range(4)] == [200, 200, 200, 429]
        assert (await north.get("/api/users/2")).status_code == 200
        assert sample("users_api_cache_invalidations_total", direction="received") == received


async def test_a_user_for_the_prefix_is_enough(redis: RedisProcess) -> None:
    """Redis may confine an installation to its keys and its channel: nothing that it does is refused."""
    confined = ("~north/users:*", "&north/users:*", "+@all", "-@dangerous")
    redis.command("ACL", "SETUSER", "users", "on", ">secret", *confined)
    login = {"redis_username": "users", "redis_password": "secret"}
    async with installation(redis, "north/users", **login) as client:
        assert (await client.get("/api/users/1")).status_code == 200
        assert (await client.patch("/api/users/1", json={"name": "Changed"})).status_code == 200
        created = await client.post("/api/users", json=GRACE, headers={"idempotency-key": "a"})
        assert created.status_code == 201
        assert (await client.get("/api/health")).json()["redis"] is True
        assert sample("users_api_cache_invalidation_channel_up") == 1
    assert redis.command("ACL", "LOG").startswith(b"*0")
    keys = redis.command("KEYS", "*")
    assert keys.count(b"north/users:") == int(keys[1:].split(b"\r\n")[0]) >= 3
