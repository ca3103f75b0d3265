import math

import pytest

from service.fleet.redis_client import NoRedis, RedisUnavailableError
from tests.observe import sample

pytestmark = pytest.mark.anyio


async def test_every_call_is_refused_and_none_is_tried() -> None:
    """Callers fall back as they do on a Redis that is away, and no gauge says that it is."""
    redis = NoRedis()
    await redis.start()
    assert (redis.available, redis.is_enabled, redis.state) == (False, False, "off")
    for call in (redis.read, redis.write):
        with pytest.raises(RedisUnavailableError, match="by choice"):
            await call("GET", "key")
    with pytest.raises(RedisUnavailableError, match="by choice"):
        await redis.get("key")
    assert not redis.background.is_started
    assert math.isnan(sample("users_api_redis_available"))
    await redis.aclose()
