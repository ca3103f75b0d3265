from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DatabaseConfig:
    """How to reach PostgreSQL, and how long to wait for it.

    `operation_timeout_seconds` bounds all of a read or write: waiting for a connection, connecting, the statement, and
    the second try.
    """

    url: str
    pool_size: int = 8
    max_waiting: int = 256
    wait_seconds: float = 0.25
    connect_timeout_seconds: float = 0.5
    operation_timeout_seconds: float = 0.9
    idle_seconds: float = 60.0
    breaker_failures: int = 3
    probe_interval_seconds: float = 0.5
    slow_query_seconds: float = 0.2
