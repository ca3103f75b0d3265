import re
from dataclasses import dataclass, field, replace
from typing import Any, Self

from service.fleet.staleness import MAX_STALENESS_SECONDS
from service.settings import Settings

_HOSTS = re.compile(r"(?P<before>[a-z]+://([^@/]*@)?)(?P<hosts>[^/?]*)(?P<after>.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class DatabaseConfig:
    """How to reach PostgreSQL, and how long to wait for it.

    `operation_timeout_seconds` bounds all of a read or write: waiting for a connection, connecting, the statement, and
    the second try.
    """

    url: str = field(repr=False)
    replica_urls: tuple[str, ...] = field(default=(), repr=False)
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    pool_size: int = 8
    max_waiting: int = 256
    wait_seconds: float = 0.25
    connect_timeout_seconds: float = 0.5
    operation_timeout_seconds: float = 0.9
    idle_seconds: float = 60.0
    breaker_failures: int = 3
    probe_interval_seconds: float = 0.5
    slow_query_seconds: float = 0.2
    max_staleness_seconds: float = MAX_STALENESS_SECONDS

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Return what the settings say."""
        password = settings.database_password
        return cls(
            url=settings.database_url,
            replica_urls=settings.database_replica_urls,
            username=settings.database_username,
            password=None if password is None else password.get_secret_value(),
            pool_size=settings.database_pool_size,
            max_waiting=settings.database_max_waiting,
            wait_seconds=settings.database_wait_seconds,
            connect_timeout_seconds=settings.database_connect_timeout_seconds,
            operation_timeout_seconds=settings.database_operation_timeout_seconds,
            idle_seconds=settings.database_idle_seconds,
            breaker_failures=settings.database_breaker_failures,
            probe_interval_seconds=settings.database_probe_interval_seconds,
            slow_query_seconds=settings.database_slow_query_seconds,
        )

    @property
    def login(self) -> dict[str, Any]:
        """What the driver needs to log in; what is None is as the URL says."""
        return {"dsn": self.url, "user": self.username, "password": self.password}

    @property
    def logins(self) -> list[dict[str, Any]]:
        """The same for each host of the URL alone, as the driver would give all of them one time limit together."""
        match = _HOSTS.fullmatch(self.url)
        if match is None:  # the driver says what is wrong with it
            return [self.login]
        before, hosts, after = match["before"], match["hosts"], match["after"]
        return [{**self.login, "dsn": f"{before}{host}{after}"} for host in hosts.split(",")]

    def replicas(self) -> list[Self]:
        """Return how to reach each replica."""
        return [replace(self, url=url, replica_urls=()) for url in self.replica_urls]
