from service.fleet.server.config import ServerConfig
from service.settings import PREFIX, Settings


def configure(settings: Settings) -> ServerConfig:
    """Return what the settings say of the server. It loads nothing of the service, which counts as its workers do."""
    return ServerConfig(
        application="service.app:create_app",
        prefix=PREFIX,
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
