from granian import Granian
from granian.constants import HTTPModes, Interfaces, Loops
from granian.http import HTTP1Settings

from service.server.address import resolve
from service.settings import Settings

MIN_BUFFER_BYTES = 8192  # hyper refuses less


def run(settings: Settings) -> None:
    """Serve by granian until a signal stops it."""
    Granian(
        "service.app:create_app",
        factory=True,
        address=resolve(settings),
        port=settings.port,
        interface=Interfaces.ASGI,
        http=HTTPModes.http1,
        loop=Loops.uvloop,
        workers=settings.workers,
        workers_kill_timeout=settings.shutdown_drain_seconds,
        respawn_failed_workers=True,
        backpressure=settings.max_connections,
        websockets=False,
        log_enabled=False,
        http1_settings=HTTP1Settings(
            # hyper counts the idle time between requests too, so a slow head is cut no sooner than an idle connection.
            header_read_timeout=settings.keep_alive_seconds * 1000,
            max_buffer_size=max(MIN_BUFFER_BYTES, settings.max_header_bytes),
        ),
    ).serve()
