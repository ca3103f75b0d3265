from granian import Granian
from granian.constants import HTTPModes, Interfaces, Loops
from granian.http import HTTP1Settings

from .address import resolve
from .config import ServerConfig

MIN_BUFFER_BYTES = 8192  # hyper refuses less


def run(server: ServerConfig) -> None:
    """Serve by granian until a signal stops it."""
    Granian(
        server.application,
        factory=server.is_factory,
        address=resolve(server),
        port=server.port,
        interface=Interfaces.ASGI,
        http=HTTPModes.http1,
        loop=Loops.uvloop,
        workers=server.workers,
        workers_kill_timeout=server.shutdown_drain_seconds,
        respawn_failed_workers=True,
        backpressure=server.max_connections,
        websockets=False,
        log_enabled=False,
        http1_settings=HTTP1Settings(
            # hyper counts the idle time between requests too, so a slow head is cut no sooner than an idle connection.
            header_read_timeout=server.keep_alive_seconds * 1000,
            max_buffer_size=max(MIN_BUFFER_BYTES, server.max_header_bytes),
        ),
    ).serve()
