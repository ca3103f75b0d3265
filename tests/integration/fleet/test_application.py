from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import httpx
import pytest
from fastapi import FastAPI

from service.fleet import Fleet, FleetSettings, cached, limited
from tests.api import client_of
from tests.observe import until
from tests.redis_process import PATIENT_SECONDS, RedisProcess

pytestmark = [pytest.mark.anyio, pytest.mark.integration]
LIMIT = 6


@asynccontextmanager
async def _replica(redis: RedisProcess, shelf: dict[str, int]) -> AsyncIterator[tuple[Fleet, httpx.AsyncClient]]:
    app = FastAPI()
    settings = FleetSettings(
        "SHOP_",
        redis_url=redis.url,
        redis_connect_timeout_seconds=PATIENT_SECONDS,
        redis_call_timeout_seconds=PATIENT_SECONDS,
        rate_limit_expected_replicas=2,
    )
    fleet = Fleet(app, settings)

    @app.get("/stock/{item}")
    @cached("stock:{item}", seconds=60)
    async def stock(item: str) -> int:
        return shelf[item]

    @app.post("/orders", dependencies=[limited(LIMIT, per_seconds=60)])
    async def order() -> None:
        return None

    async with app.router.lifespan_context(app), client_of(app) as client:
        await until(lambda: fleet.parts.cache.trusted_until > 0)
        yield fleet, client


async def test_replicas_share_what_they_cache_and_hear_what_to_forget(redis: RedisProcess) -> None:
    """What one has read the other has from Redis, and after `forget` at one both read anew."""
    shelf = {"tea": 3}
    async with AsyncExitStack() as stack:
        (first, a), (_, b) = [await stack.enter_async_context(_replica(redis, shelf)) for _ in range(2)]
        await until(lambda: first.parts.cache.shared.readable)
        answers = [await a.get("/stock/tea")]
        await until(lambda: bool(redis.command("KEYS", "fleet:cache:*stock:tea").strip(b"*0\r\n")))
        answers += [await b.get("/stock/tea"), await b.get("/stock/tea")]
        shelf["tea"] = 2
        await first.forget("stock:tea")
        changed = [await each.get("/stock/tea") for each in (a, b)]
    assert [(each.text, each.headers["x-cache"]) for each in answers] == [("3", "MISS"), ("3", "L2"), ("3", "L1")]
    assert [each.text for each in changed] == ["2", "2"]


async def test_replicas_share_the_limit_of_a_route(redis: RedisProcess) -> None:
    """All of it is to be had, and no more, whichever of them is asked."""
    async with AsyncExitStack() as stack:
        clients = [(await stack.enter_async_context(_replica(redis, {})))[1] for _ in range(2)]
        statuses = [(await clients[turn % 2].post("/orders")).status_code for turn in range(2 * LIMIT)]
    assert statuses.count(200) == LIMIT
    assert statuses.count(429) == LIMIT
