import pytest

from tests.api import TOKEN, client_of, running
from tests.redis_process import RedisProcess

pytestmark = [pytest.mark.anyio, pytest.mark.integration]


async def test_the_21st_request_in_a_minute(redis: RedisProcess) -> None:
    """At a limit of 20 the 21st request gets 429 with Retry-After, and no 503."""
    async with running(redis_url=redis.url, rate_limit_requests=20) as app, client_of(app, **TOKEN) as client:
        responses = [await client.get("/api/users/7") for _ in range(21)]
        assert [response.status_code for response in responses] == [200] * 20 + [429]
        assert 1 <= int(responses[-1].headers["retry-after"]) <= 60


async def test_guessing_tokens_is_limited(redis: RedisProcess) -> None:
    """Each bad token spends of its address's limit, whatever X-Forwarded-For says; a good token keeps its own."""
    async with (
        running(redis_url=redis.url, rate_limit_requests=5, trusted_proxies=[]) as app,
        client_of(app) as client,
    ):
        statuses = [
            (
                await client.get(
                    "/api/users/7",
                    headers={"authorization": f"Bearer guess-{number}", "x-forwarded-for": f"198.51.100.{number}"},
                )
            ).status_code
            for number in range(7)
        ]
        assert statuses == [401] * 5 + [429] * 2
        assert (await client.get("/api/users/7", headers=TOKEN)).status_code == 200


async def test_limits_by_route_and_subject(redis: RedisProcess) -> None:
    """Overrides hold on the fast path as on the full stack, each with a count of its own."""
    overrides = [{"route": "/api/users/{user_id}", "requests": 2, "window_seconds": 60}]
    async with (
        running(redis_url=redis.url, rate_limit_overrides=overrides) as app,
        client_of(app, **TOKEN) as client,
    ):
        responses = [await client.get("/api/users/7") for _ in range(3)]
        assert [response.status_code for response in responses] == [200, 200, 429]
        assert responses[0].headers["ratelimit-policy"] == '"override-1";q=2;w=60'
        assert (await client.get("/api/users")).headers["ratelimit-policy"] == '"default";q=1200;w=60'
