import asyncio
import hashlib
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from service.database import DatabaseUnavailableError
from service.fleet.fastpath import FastPath, middleware
from tests.api import TOKEN, client_of, running
from tests.observe import sample
from tests.redis_process import RedisProcess

pytestmark = [pytest.mark.anyio, pytest.mark.integration]

PATH = "/api/users/42"
CHANGING = {"age", "date", "x-request-id"}
WRITER = "writer-token"
TOKENS = [
    {"sha256": hashlib.sha256(b"test-token").hexdigest(), "subject": "reader", "scopes": ["users:read"]},
    {"sha256": hashlib.sha256(WRITER.encode()).hexdigest(), "subject": "writer", "scopes": ["users:write"]},
]


@dataclass
class Passed:
    """Stands in front of the full stack and counts what reaches it."""

    app: ASGIApp
    count: int = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Count and pass on."""
        self.count += 1
        await self.app(scope, receive, send)


@asynccontextmanager
async def serving(redis: RedisProcess, **settings: object) -> AsyncIterator[tuple[FastAPI, httpx.AsyncClient]]:
    """An application and a client with the test token that has been seen before."""
    async with running(redis_url=redis.url, static_tokens=TOKENS, **settings) as app, client_of(app, **TOKEN) as client:
        assert (await client.get("/api/users/1")).status_code == 200
        yield app, client


def watch(app: FastAPI) -> Passed:
    """Count from now on what the fast path passes on."""
    layer: Any = app.middleware_stack
    while not isinstance(layer, FastPath):
        layer = layer.app
    passed = layer._app = Passed(layer._app)
    return passed


def comparable(response: httpx.Response) -> tuple[int, list[tuple[str, str]], bytes]:
    """All of an answer that two identical requests must have in common."""
    return (
        response.status_code,
        sorted(
            (name, re.sub(r"t=\d+", "t=", value) if name == "ratelimit" else value)  # seconds go by on a slow machine
            for name, value in response.headers.items()
            if name not in CHANGING
        ),
        response.content,
    )


REQUESTS: dict[str, Callable[[str], httpx.Request]] = {
    "plain": lambda url: httpx.Request("GET", url, headers=TOKEN),
    "accept json": lambda url: httpx.Request("GET", url, headers={**TOKEN, "accept": "application/json"}),
    "accept html": lambda url: httpx.Request("GET", url, headers={**TOKEN, "accept": "text/html"}),
    "other tag": lambda url: httpx.Request("GET", url, headers={**TOKEN, "if-none-match": '"other"'}),
    "any tag": lambda url: httpx.Request("GET", url, headers={**TOKEN, "if-none-match": "*"}),
    "no token": lambda url: httpx.Request("GET", url),
    "bad token": lambda url: httpx.Request("GET", url, headers={"authorization": "Bearer guessed"}),
    "two tokens": lambda url: httpx.Request("GET", url, headers=[*TOKEN.items(), ("authorization", "Bearer guessed")]),
    "without scope": lambda url: httpx.Request("GET", url, headers={"authorization": f"Bearer {WRITER}"}),
    "query": lambda url: httpx.Request("GET", f"{url}?verbose", headers=TOKEN),
    "other site": lambda url: httpx.Request("GET", url, headers={**TOKEN, "origin": "https://example.com"}),
    "body": lambda url: httpx.Request("GET", url, headers=TOKEN, content=b"x"),
    "two accepts": lambda url: httpx.Request(
        "GET", url, headers=[*TOKEN.items(), ("accept", "text/html"), ("accept", "application/json")]
    ),
    "two types": lambda url: httpx.Request(
        "GET", url, headers=[*TOKEN.items(), ("content-type", "text/html"), ("content-type", "text/html")]
    ),
    "this tag": lambda url: httpx.Request("GET", url, headers={**TOKEN, "if-match": '"other"'}),
    "part": lambda url: httpx.Request("GET", url, headers={**TOKEN, "range": "bytes=0-0"}),
    "encoded": lambda url: httpx.Request("GET", url.replace("42", "%34%32"), headers=TOKEN),
    "encoded slash": lambda url: httpx.Request("GET", url.replace("/42", "%2F42"), headers=TOKEN),
    "head of nobody": lambda url: httpx.Request("HEAD", url.replace("42", "4242"), headers=TOKEN),
    "head": lambda url: httpx.Request("HEAD", url, headers=TOKEN),
    "put": lambda url: httpx.Request("PUT", url, headers=TOKEN),
    "leading zero": lambda url: httpx.Request("GET", url.replace("42", "042"), headers=TOKEN),
    "other digits": lambda url: httpx.Request("GET", url.replace("42", "%D9%A4%D9%A2"), headers=TOKEN),
    "no number": lambda url: httpx.Request("GET", url.replace("42", "me"), headers=TOKEN),
    "too large": lambda url: httpx.Request("GET", url.replace("42", "9" * 30), headers=TOKEN),
    "nobody": lambda url: httpx.Request("GET", url.replace("42", "4242"), headers=TOKEN),
    "slash": lambda url: httpx.Request("GET", f"{url}/", headers=TOKEN),
}


@pytest.mark.parametrize("name", REQUESTS)
async def test_both_paths_answer_alike(redis: RedisProcess, name: str) -> None:
    """With and without the fast path, warm and cold, any request gets the same status, headers and body."""
    answers = []
    for enabled in (True, False):
        redis.command("FLUSHALL")
        async with serving(redis, fast_path_enabled=enabled) as (_, client):
            client.headers.pop("authorization")
            await client.get(PATH, headers=TOKEN)
            answers.append(
                [comparable(await client.send(REQUESTS[name]("http://testserver" + PATH))) for _ in range(2)]
            )
    assert answers[0] == answers[1]


@pytest.mark.parametrize("enabled", [True, False])
async def test_both_paths_count_alike(redis: RedisProcess, enabled: bool) -> None:  # noqa: FBT001 - pytest's
    """N requests are N more in the same series, whichever path they took."""
    async with serving(redis, fast_path_enabled=enabled) as (_, client):
        await client.get(PATH)
        labels = {"handler": "/api/users/{user_id}", "method": "GET", "status": "200"}
        requests = sample("http_requests_total", **labels)
        durations = sample("http_request_duration_seconds_count", **labels)
        hits = sample("users_api_cache_requests_total", tier="l1")
        not_modified = sample("http_requests_total", **{**labels, "status": "304"})
        for _ in range(20):
            response = await client.get(PATH)
        for _ in range(5):
            await client.get(PATH, headers={"if-none-match": response.headers["etag"]})
        assert sample("http_requests_total", **labels) == requests + 20
        assert sample("http_request_duration_seconds_count", **labels) == durations + 20
        assert sample("http_requests_total", **{**labels, "status": "304"}) == not_modified + 5
        assert sample("users_api_cache_requests_total", tier="l1") == hits + 25


async def test_hits_never_reach_the_stack(redis: RedisProcess) -> None:
    """A cached read of a known caller is answered by the fast path, and each spends one permit."""
    async with serving(redis) as (app, client):
        first = await client.get(PATH)
        passed = watch(app)
        responses = [await client.get(PATH) for _ in range(3)]
        assert passed.count == 0
        assert [response.headers["x-cache"] for response in responses] == ["L1"] * 3
        assert [remaining(response) for response in responses] == [remaining(first) - n for n in (1, 2, 3)]


async def test_l2_hits_never_reach_the_stack(redis: RedisProcess) -> None:
    """What another replica cached is answered by the fast path too."""
    async with serving(redis) as (_, client):
        await client.get(PATH)
        await asyncio.sleep(0.1)
    async with serving(redis) as (app, client):
        passed = watch(app)
        assert [(await client.get(PATH)).headers["x-cache"] for _ in range(2)] == ["L2", "L1"]
        assert passed.count == 0


async def test_misses_are_loaded(redis: RedisProcess) -> None:
    """What no cache has the fast path loads; for what is not there the routes answer. Each spends one permit."""
    async with serving(redis) as (app, client):
        passed = watch(app)
        responses = [await client.get(path) for path in (PATH, "/api/users/4242", "/api/users/4242")]
        assert [response.status_code for response in responses] == [200, 404, 404]
        assert responses[0].headers["x-cache"] == "MISS"
        assert passed.count == 2
        assert remaining(responses[0]) - remaining(responses[2]) == 2


async def test_nobody_is_looked_up_once(redis: RedisProcess) -> None:
    """That there is none the routes don't find out again."""
    async with serving(redis) as (app, client):
        before = redis.calls("mget")
        counted = sample("users_api_cache_requests_total", tier="miss")
        assert (await client.get("/api/users/4242")).status_code == 404
        assert redis.calls("mget") == before + 1
        assert sample("users_api_cache_requests_total", tier="miss") == counted + 1
        assert app.state.settings.fast_path_enabled


@pytest.mark.parametrize(
    ("error", "status"), [(DatabaseUnavailableError("busy", "all are in use"), 503), (OSError("unexpected"), 500)]
)
async def test_a_failed_load_is_answered_by_the_routes(
    redis: RedisProcess,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
    status: int,
) -> None:
    """The source is asked once; that it did not answer, or why, the routes say. The time shown is that of both."""
    asked = 0
    labels = {"handler": "/api/users/{user_id}", "method": "GET", "status": str(status)}
    seconds = sample("http_request_duration_seconds_sum", **labels)

    async def fail(*_: object, **__: object) -> None:
        nonlocal asked
        asked += 1
        await asyncio.sleep(0.1)
        raise error

    async with serving(redis) as (app, client):
        passed = watch(app)
        monkeypatch.setattr(app.state.users._repository, "get", fail)
        with caplog.at_level("INFO", logger="service.access"):
            response = await client.get(PATH)
        assert (response.status_code, passed.count, asked) == (status, 1, 1)
        assert response.headers["content-type"] == "application/problem+json"
    assert sample("http_request_duration_seconds_sum", **labels) >= seconds + 0.1
    (record,) = [record for record in caplog.records if record.name == "service.access"]
    assert record.__dict__["duration_seconds"] >= 0.1


async def test_both_paths_refuse_alike(redis: RedisProcess) -> None:
    """Beyond the limit the fast path refuses as the stack does, in the same series, and the stack hears of none."""
    labels = {"handler": "/api/users/{user_id}", "method": "GET", "status": "429"}
    answers, counts, heard = [], [], []
    for enabled in (True, False):
        redis.command("FLUSHALL")
        async with serving(redis, rate_limit_requests=3, fast_path_enabled=enabled) as (app, client):
            while (await client.get(PATH)).status_code == 200:
                pass
            passed = watch(app) if enabled else None
            before = sample("http_requests_total", **labels)
            responses = [await client.get(PATH) for _ in range(2)]
            counts.append(sample("http_requests_total", **labels) - before)
            heard.append(passed.count if passed else 0)
        assert [response.status_code for response in responses] == [429, 429]
        assert responses[-1].headers["content-type"] == "application/problem+json"
        assert 1 <= int(responses[-1].headers["retry-after"]) <= 60
        answers.append(re.sub(r"\b(5\d|60)\b", "soon", str(comparable(responses[-1]))))  # seconds until the next try
    assert answers[0] == answers[1]
    assert counts == [2, 2]
    assert heard == [0, 0]


async def test_without_rate_limit(redis: RedisProcess) -> None:
    """With the limiter off the fast path answers without its headers, and loads what is missing all the same."""
    async with serving(redis, rate_limit_enabled=False) as (app, client):
        await client.get(PATH)
        passed = watch(app)
        assert "ratelimit" not in (await client.get(PATH)).headers
        assert passed.count == 0
        assert (await client.get("/api/users/43")).headers["x-cache"] == "MISS"
        assert (await client.get("/api/users/4242")).status_code == 404
        assert passed.count == 1


async def test_a_failure_is_left_to_the_routes(redis: RedisProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error that nobody expects on the fast path is logged, and the request answered by the routes."""
    async with serving(redis) as (app, client):
        await client.get(PATH)
        passed = watch(app)
        monkeypatch.setattr(app.state.cache, "l1_entry", None)
        response = await client.get(PATH)
    assert passed.count == 1
    assert response.status_code == 500
    assert response.headers["content-type"] == "application/problem+json"


async def test_a_failure_spends_one_permit(redis: RedisProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the fast path fails after it has spent a permit, the routes answer on that one."""
    async with serving(redis) as (app, client):
        first = await client.get(PATH)
        passed = watch(app)
        monkeypatch.setattr(middleware, "render", None)
        second = await client.get(PATH)
    assert (second.status_code, passed.count) == (200, 1)
    assert remaining(first) - remaining(second) == 1


async def test_writes_show_at_once(redis: RedisProcess) -> None:
    """A client reads its own write back through the fast path."""
    async with serving(redis) as (_, client):
        await client.get(PATH)
        change = await client.patch(PATH, json={"name": "Changed"}, headers={"authorization": f"Bearer {WRITER}"})
        assert change.status_code == 200
        assert (await client.get(PATH)).json()["name"] == "Changed"


async def test_sampled_answers_are_logged(redis: RedisProcess, caplog: pytest.LogCaptureFixture) -> None:
    """With a sample ratio of one, each answer of the fast path is in the access log with its request id."""
    async with serving(redis, access_log_sample_ratio=1) as (_, client):
        await client.get(PATH)
        caplog.clear()
        with caplog.at_level("INFO", logger="service.access"):
            await client.get(PATH, headers={"x-request-id": "my-request-id"})
        (record,) = [record for record in caplog.records if record.name == "service.access"]
        assert record.__dict__["request_id"] == "my-request-id"


def remaining(response: httpx.Response) -> int:
    """The permits left, of a RateLimit header."""
    return int(response.headers["ratelimit"].split("r=")[1].split(";")[0])
