"""Redis as a part that may fail: every call bounded, batched, and given up on quickly."""

from service.redis_client.client import RedisClient
from service.redis_client.config import RedisConfig
from service.redis_client.errors import RedisUnavailableError
from service.redis_client.off import NoRedis

__all__ = ["NoRedis", "RedisClient", "RedisConfig", "RedisUnavailableError"]
