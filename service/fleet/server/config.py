from dataclasses import dataclass
from typing import Self

from ..settings.common import CommonSettings


@dataclass(frozen=True, slots=True)
class ServerConfig:
    """What is served, where, and within which bounds."""

    application: str
    """Where it is, as `module:name`."""
    is_factory: bool = True
    """Whether that makes it."""
    prefix: str = ""
    """Of the variables that set this, for messages."""
    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 1
    keep_alive_seconds: int = 75
    shutdown_delay_seconds: float = 1
    shutdown_drain_seconds: int = 30
    max_header_bytes: int = 16 * 1024
    request_receive_timeout_seconds: float = 10
    max_connections: int = 2048

    @classmethod
    def of(cls, settings: CommonSettings, application: str, *, is_factory: bool) -> Self:
        """Return what the settings say of it."""
        return cls(
            application=application,
            is_factory=is_factory,
            prefix=settings.variables,
            host=settings.host,
            port=settings.port,
            workers=settings.workers,
            keep_alive_seconds=settings.keep_alive_seconds,
            shutdown_delay_seconds=settings.shutdown_delay_seconds,
            shutdown_drain_seconds=settings.shutdown_drain_seconds,
            max_header_bytes=settings.max_header_bytes,
            request_receive_timeout_seconds=settings.request_receive_timeout_seconds,
            max_connections=settings.max_connections,
        )
