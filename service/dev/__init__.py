"""`make dev`, and the servers that it, tests and measurements run; the service itself imports none of it."""

from service.dev.port import free_port
from service.dev.redis import redis_server

__all__ = ["free_port", "redis_server"]
