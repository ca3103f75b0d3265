from granian import Granian
from granian.constants import Interfaces, Loops
from granian.http import HTTP1Settings

from service.settings import Settings


def run(settings: Settings) -> None:
    """Serve by granian until a signal stops it."""
    Granian(
        "service.app:create_app",
        factory=True,
        address=settings.host,
        port=settings.port,
        interface=Interfaces.ASGI,
        loop=Loops.uvloop,
        workers=settings.workers,
        workers_kill_timeout=settings.shutdown_drain_seconds,
        websockets=False,
        log_enabled=False,
        http1_settings=HTTP1Settings(max_buffer_size=max(8192, settings.max_header_bytes)),
    ).serve()
