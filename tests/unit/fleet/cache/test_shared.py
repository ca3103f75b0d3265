import time

import pytest
from prometheus_client import REGISTRY

from service.fleet.cache.config import CacheConfig
from service.fleet.cache.shared import SharedCache
from service.fleet.cache.versions import MARK, Order
from service.fleet.redis_client import NoRedis

pytestmark = pytest.mark.anyio


async def test_without_redis_nobody_is_told() -> None:
    """Where there is no Redis by choice a write is no failure, and none is kept for later."""
    shared = SharedCache(NoRedis(), CacheConfig(), sender=b"me")
    errors = REGISTRY.get_sample_value("users_api_cache_l2_errors_total", {"operation": "tell"}) or 0.0
    await shared.tell("users:1", None, Order(1, MARK), time.monotonic())
    assert shared.unsent == 0
    assert (REGISTRY.get_sample_value("users_api_cache_l2_errors_total", {"operation": "tell"}) or 0.0) == errors
