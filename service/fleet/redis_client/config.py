from dataclasses import dataclass
from typing import Self

from ..settings.common import CommonSettings


@dataclass(frozen=True, slots=True)
class RedisConfig:
    """How to reach Redis, and how long to wait for it.

    `call_timeout_seconds` bounds a whole batch: waiting for a connection, connecting, writing, reading, retrying.
    A request makes at most two calls one after the other (permits, then cache), so it must stay under half of the
    150 ms that a request may take while Redis is blackholed.
    """

    url: str = "redis://127.0.0.1:6379/0"
    key_prefix: str = "fleet"
    """Before each key and channel, so that installations may share a Redis."""
    username: str | None = None
    password: str | None = None
    connect_timeout_seconds: float = 0.5
    call_timeout_seconds: float = 0.07
    pool_size: int = 4
    breaker_failures: int = 3
    probe_interval_seconds: float = 0.4

    @classmethod
    def of(cls, settings: CommonSettings) -> Self:
        """Return what the settings say of it."""
        return cls(
            url=settings.redis_url,
            key_prefix=settings.redis_key_prefix,
            username=settings.redis_username,
            password=settings.redis_password.get_secret_value() if settings.redis_password else None,
            connect_timeout_seconds=settings.redis_connect_timeout_seconds,
            call_timeout_seconds=settings.redis_call_timeout_seconds,
            pool_size=settings.redis_pool_size,
            breaker_failures=settings.redis_breaker_failures,
            probe_interval_seconds=settings.redis_probe_interval_seconds,
        )
