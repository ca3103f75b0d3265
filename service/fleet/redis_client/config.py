from dataclasses import dataclass


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
