import time
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from service.fleet.redis_client import NoRedis
from service.fleet.staleness import Freshness
from service.users.own_writes import OwnWrites
from tests.api import TOKEN, client_of, running
from tests.observe import until
from tests.postgres_process import PostgresProcess, name_of
from tests.redis_process import RedisProcess
from tests.sabotage import patched, sabotage

pytestmark = [pytest.mark.anyio, pytest.mark.integration]

ADA = {"name": "Ada Lovelace", "email": "ada@example.com"}


@pytest.fixture
async def apps(
    postgres: PostgresProcess, replica: PostgresProcess, redis: RedisProcess, users_url: str
) -> AsyncIterator[list[FastAPI]]:
    """Start two processes' applications, with a replica that is half a second behind, and yet answers."""
    replica.sql("ALTER SYSTEM SET recovery_min_apply_delay = 500")
    replica.sql("SELECT pg_reload_conf()")
    await until(lambda: postgres.has_caught_up(replica))
    settings = {
        "database_url": users_url,
        "database_replica_urls": [replica.url(name_of(users_url))],
        "redis_url": redis.url,
        "redis_call_timeout_seconds": 2,
        "rate_limit_enabled": False,
    }
    async with running(**settings) as one, running(**settings) as two:
        yield [one, two]


async def lists_miss(apps: list[FastAPI]) -> int:
    """Write by one and list by the other; returns in how many lists the write is missing."""
    missed = 0
    async with client_of(apps[0], **TOKEN) as writer, client_of(apps[1], **TOKEN) as reader:
        for number in range(5):
            answer = await writer.post("/api/users", json={**ADA, "email": f"ada{number}@example.com"})
            assert answer.status_code == 201
            for _ in range(3):
                missed += answer.json() not in (await list_of(reader))["items"]
    return missed


async def list_of(client: httpx.AsyncClient) -> dict[str, list[dict[str, object]]]:
    """The first page."""
    answer = await client.get("/api/users")
    assert answer.status_code == 200
    found: dict[str, list[dict[str, object]]] = answer.json()
    return found


async def forget(*_: object) -> None:
    """Note nobody."""


@sabotage("nobody notes who has written", patched((OwnWrites, "note", forget)))
async def test_lists_have_what_their_reader_wrote(apps: list[FastAPI]) -> None:
    """Whichever process took the write, and though a replica that does not have it yet may be asked."""
    replicas = apps[1].state.database.replicas
    await until(lambda: replicas.required() is not None and bool(replicas.candidates()))
    assert await lists_miss(apps) == 0


async def test_a_mark_is_one_subjects_and_goes(redis: RedisProcess, apps: list[FastAPI]) -> None:
    """Others' lists may come from replicas, and the writer's own again two seconds later."""
    own_writes = OwnWrites(apps[0].state.redis)
    assert await own_writes.freshness("alice") is Freshness.RECENT
    await own_writes.note("alice")
    assert await own_writes.freshness("alice") is Freshness.REQUIRED
    assert await own_writes.freshness("bob") is Freshness.RECENT
    assert 0 < int(redis.command("PTTL", "users-api:wrote:alice")[1:]) <= 2000


async def test_without_redis_anybody_may_have_written(redis: RedisProcess, apps: list[FastAPI]) -> None:
    """Also where it is just back, and may have forgotten, or only this call fails; noting raises nothing."""
    client = apps[0].state.redis
    own_writes = OwnWrites(client)
    assert await OwnWrites(NoRedis()).freshness("alice") is Freshness.PREFERRED
    client.available_since = time.monotonic()
    assert await own_writes.freshness("alice") is Freshness.PREFERRED
    client.available_since = float("-inf")
    assert await own_writes.freshness("alice") is Freshness.RECENT
    redis.kill()
    await own_writes.note("alice")
    assert await own_writes.freshness("alice") is Freshness.PREFERRED
    await until(lambda: not client.available)
    assert await own_writes.freshness("alice") is Freshness.PREFERRED


async def test_a_repetition_is_a_write_too(apps: list[FastAPI]) -> None:
    """Who repeats a creation finds in the list what it created, in the first answer's stead."""
    async with client_of(apps[0], **TOKEN) as writer:
        for _ in range(2):
            answer = await writer.post("/api/users", json=ADA, headers={"idempotency-key": "one"})
            assert answer.status_code == 201
    assert await OwnWrites(apps[1].state.redis).freshness("developer") is Freshness.REQUIRED


async def test_conditions_of_a_creation_see_the_list_as_it_is(apps: list[FastAPI]) -> None:
    """If-Match on POST is held against the primary's list: no write is decided by what a replica says."""
    async with client_of(apps[0], **TOKEN) as client:
        await client.post("/api/users", json=ADA)
        etag = (await client.get("/api/users")).headers["etag"]
        answer = await client.post("/api/users", json={**ADA, "email": "a@example.com"}, headers={"if-match": etag})
        assert answer.status_code == 201
