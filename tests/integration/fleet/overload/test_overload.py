import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from fastapi import FastAPI

from service.fleet.observability.metrics import OPERATIONAL_PATHS
from service.fleet.overload import in_flight
from tests.api import TOKEN, client_of, running
from tests.observe import sample

pytestmark = [pytest.mark.anyio, pytest.mark.integration]

CACHED, UNCACHED = "/api/users/1", "/api/users/2"


@asynccontextmanager
async def overloaded(**settings: object) -> AsyncIterator[tuple[FastAPI, httpx.AsyncClient]]:
    """An application that lets nobody in for whom it has more to do than look; one user is in its own cache."""
    alone = {"redis_url": "", "rate_limit_expected_replicas": 1, "overload_max_waiting": 512}
    async with running(**alone, **settings) as app, client_of(app, **TOKEN) as client:
        assert (await client.get(CACHED)).status_code == 200
        app.state.fleet.parts.in_flight._per_turn = app.state.fleet.parts.in_flight._limit = 0
        yield app, client


@pytest.mark.parametrize("fast_path_enabled", [True, False])
@pytest.mark.parametrize(("method", "path"), [("GET", UNCACHED), ("GET", "/api/users"), ("POST", "/api/users")])
async def test_what_is_too_much_is_refused_at_once(method: str, path: str, fast_path_enabled: bool) -> None:  # noqa: FBT001 - pytest's
    """By the fast path and in front of the routes: a problem document that says when to come again."""
    async with overloaded(fast_path_enabled=fast_path_enabled) as (app, client):
        refused = sample("users_api_requests_refused_total", refusal="full")
        answer = await client.request(
            method, path, json={"name": "x", "email": "x@example.com"} if method == "POST" else None
        )
        assert answer.status_code == 503
        assert answer.headers["retry-after"] == "1"
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["title"] == "Service Unavailable"
        assert {"x-request-id", "x-content-type-options"} <= set(answer.headers)
        assert sample("users_api_requests_refused_total", refusal="full") == refused + 1
        app.state.fleet.parts.in_flight._per_turn = in_flight.PER_TURN
        assert (await client.get(UNCACHED)).status_code == 200


async def test_the_cheapest_answers_keep_flowing() -> None:
    """What the process has in its own cache, and that it has not changed, needs no place."""
    async with overloaded() as (_, client):
        answer = await client.get(CACHED)
        assert (answer.status_code, answer.headers["x-cache"]) == (200, "L1")
        assert (await client.get(CACHED, headers={"if-none-match": answer.headers["etag"]})).status_code == 304


async def test_who_asks_too_often_is_told_so() -> None:
    """The rate limit is the fast path's before the cache is asked: 429 and not 503."""
    async with overloaded(rate_limit_requests=1, rate_limit_window_seconds=600) as (_, client):
        assert (await client.get(UNCACHED)).status_code == 429


async def test_probes_scrapes_and_health_are_never_refused() -> None:
    """A replica that has too much to do is neither restarted nor lost sight of."""
    async with overloaded() as (_, client):
        assert {path: (await client.get(path)).status_code for path in OPERATIONAL_PATHS} == dict.fromkeys(
            OPERATIONAL_PATHS, 200
        )


async def test_a_browser_may_read_why() -> None:
    """The refusal has the headers without which a script sees a network error."""
    origin = "https://app.example.com"
    async with overloaded(cors_origins=[origin]) as (_, client):
        answer = await client.get(UNCACHED, headers={"origin": origin})
        assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (503, origin)


async def test_what_is_nowhere_to_be_found_was_let_in_once() -> None:
    """What the fast path looked up in vain is answered by the routes, and has to wait no second time."""
    async with overloaded() as (app, client):
        app.state.fleet.parts.in_flight._per_turn = in_flight.PER_TURN
        assert (await client.get("/api/users/999999999")).status_code == 404
        assert sample("users_api_requests_in_flight") == 0


async def test_more_than_begin_at_once_are_served_in_their_turn() -> None:
    """A burst is no overload."""
    async with (
        running(redis_url="", overload_max_waiting=512, overload_wait_seconds=60) as app,
        client_of(app, **TOKEN) as client,
    ):
        paths = [f"/api/users/{number}" for number in range(1, 50)] + ["/api/users"] * 50
        answers = await asyncio.gather(*map(client.get, paths))
        assert {answer.status_code for answer in answers} == {200}
        assert sample("users_api_requests_in_flight") == 0


async def test_without_a_limit_everybody_is_let_in() -> None:
    """As long as no setting says how many may wait."""
    async with running(redis_url="") as app, client_of(app, **TOKEN) as client:
        app.state.fleet.parts.in_flight._per_turn = app.state.fleet.parts.in_flight._limit = 0
        assert (await client.get("/api/users")).status_code == 200
