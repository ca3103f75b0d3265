from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ServerConfig:
    """What is served, where, and within which bounds."""

    application: str
    """Where its factory is, as `module:name`."""
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
