import pytest

from service import __version__
from tests.api import calling, client_of, running
from tests.observe import sample

pytestmark = pytest.mark.anyio


async def test_who_lives_needs_nobody() -> None:
    """Liveness holds without Redis and without a token, or an outage elsewhere would restart every pod."""
    async with running() as app, client_of(app) as client:
        assert (await client.get("/livez")).json() == {"status": "ok"}


async def test_readiness_is_for_the_time_between_start_and_stop() -> None:
    """503 before the start is done and once the stop has begun, while requests are still served."""
    async with running() as app, client_of(app, authorization="Bearer test-token") as client:
        assert (await client.get("/readyz")).status_code == 200
        app.state.readiness.drain()
        stopping = await client.get("/readyz")
        assert (stopping.status_code, stopping.json()["status"]) == (503, "stopping")
        assert (await client.get("/api/users/1")).status_code == 200
    async with client_of(app) as client:
        assert (await client.get("/readyz")).status_code == 503


async def test_without_redis_the_service_is_ready_and_degraded() -> None:
    """Redis being away takes no pod out of service; who asks for details is told."""
    async with running() as app, client_of(app) as client:
        response = await client.get("/readyz?verbose")
        health = (await client.get("/api/health")).json()
    assert response.status_code == 200
    assert response.json() == {
        "status": "ok",
        "degraded": True,
        "checks": {
            "redis": {"available": False, "breaker": "open"},
            "database": {"available": False, "breaker": "off", "users": "made up, in each process its own"},
        },
        "tasks": {
            name: {"running": True, "restarts": 0, "last_error": None}
            for name in ("redis_probe", "cache_invalidation", "rate_limit_sweeper", "unanswered_writes")
        },
    }
    assert (health["status"], health["redis"]) == ("degraded", False)


async def test_a_monitor_asks_at_the_gateway() -> None:
    """The old stack's path answers as /api/health does: without a token, beyond any limit, not counted as load."""
    async with running(rate_limit_requests=3, server_id="replica-1") as app, client_of(app) as client:
        before = sample("http_requests_total", handler="/gateway-health", method="GET", status="200")
        responses = [await client.get("/gateway-health") for _ in range(5)]
        assert (await client.get("/api/health")).json() == responses[0].json()
    assert {response.status_code for response in responses} == {200}
    assert "ratelimit" not in responses[0].headers
    assert responses[0].json()["server_id"] == "replica-1"
    assert sample("http_requests_total", handler="/gateway-health", method="GET", status="200") == before == 0


async def test_the_version_names_its_revision() -> None:
    """What was built from which revision can be asked of a running pod."""
    async with calling(revision="abc1234") as client:
        assert (await client.get("/version")).json() == {"version": __version__, "revision": "abc1234"}
