import pytest

from service import __version__
from tests.api import client_of, running
from tests.redis_process import RedisProcess

pytestmark = [pytest.mark.anyio, pytest.mark.integration]


async def test_with_redis_the_service_is_healthy(redis: RedisProcess) -> None:
    """Nothing is degraded, and the answer names the replica and its version."""
    async with running(redis_url=redis.url, server_id="replica-1") as app, client_of(app) as client:
        assert (await client.get("/readyz?verbose")).json()["degraded"] is False
        health = (await client.get("/api/health")).json()
    assert health == {
        "status": "healthy",
        "server_id": "replica-1",
        "version": __version__,
        "redis": True,
        "database": "off",
    }
