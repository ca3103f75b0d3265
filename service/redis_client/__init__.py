"""Redis as a part that may fail: every call bounded, batched, and given up on quickly."""

from service.redis_client.client import RedisClient
from service.redis_client.config import RedisConfig
from service.redis_client.errors import RedisUnavailableError

__all__ = ["RedisClient", "RedisConfig", "RedisUnavailableError"]
