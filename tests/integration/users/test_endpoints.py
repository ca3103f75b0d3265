import pytest

from service.fleet.idempotency.answer import Record
from tests.api import TOKEN, calling, client_of, running
from tests.observe import until
from tests.redis_process import NO_REDIS, RedisProcess

pytestmark = [pytest.mark.anyio, pytest.mark.integration]

ADA = {"name": "Ada Lovelace", "email": "ada@example.com"}


@pytest.mark.parametrize("with_redis", [True, False])
async def test_a_change_is_seen_at_once(with_redis: bool, request: pytest.FixtureRequest) -> None:  # noqa: FBT001
    """The answer cached before a change is gone after it; so is a deleted user's; with Redis and without."""
    redis_url = request.getfixturevalue("redis").url if with_redis else NO_REDIS
    async with calling(redis_url=redis_url) as client:
        await client.get("/api/users/1")
        changed = await client.patch("/api/users/1", json={"name": "Ada"})
        assert changed.json()["name"] == "Ada"
        assert (await client.get("/api/users/1")).json() == changed.json()
        assert (await client.delete("/api/users/1")).status_code == 204
        assert (await client.get("/api/users/1")).status_code == 404


async def test_replicas_read_each_others_cache(redis: RedisProcess) -> None:
    """With Redis, what one process has read is an L2 hit in the next."""
    async with running(redis_url=redis.url) as one, running(redis_url=redis.url) as two:
        async with client_of(one, **TOKEN) as client:
            assert (await client.get("/api/users/1")).headers["x-cache"] == "MISS"
        await until(lambda: b"users:1" in redis.command("KEYS", "*users:1"))  # filled behind the answer
        async with client_of(two, **TOKEN) as client:
            assert (await client.get("/api/users/1")).headers["x-cache"] == "L2"


async def test_a_key_in_use_is_a_conflict(redis: RedisProcess) -> None:
    """While another replica carries the first request out, repetitions are asked to come back."""
    async with running(redis_url=redis.url) as app, client_of(app, **TOKEN) as client:
        headers = {"idempotency-key": "one"}
        await client.post("/api/users", json=ADA, headers=headers)
        (name,) = await app.state.redis.read("KEYS", "*idempotency:*")
        record = Record.decode(await app.state.redis.read("GET", name))
        await app.state.redis.write("SET", name, Record(record.fingerprint).encode())  # as the replica has left it
        response = await client.post("/api/users", json=ADA, headers=headers)
    assert response.status_code == 409
    assert response.headers["retry-after"] == "1"
