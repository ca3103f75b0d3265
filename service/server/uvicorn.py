import logging
from typing import Any

import uvicorn

from service.server.address import bind_string, listener, resolve
from service.server.protocol import guarded
from service.settings import Settings

logger = logging.getLogger(__name__)


def options(settings: Settings) -> dict[str, Any]:
    """Return what every uvicorn is started with, one of its own or one in a gunicorn worker."""
    return {
        "factory": True,
        "loop": "uvloop",
        "http": guarded(settings),
        "ws": "none",
        "lifespan": "on",
        "log_config": None,
        "access_log": False,
        "server_header": False,
        "proxy_headers": False,  # the client's address is resolved from trusted proxies only, by the limiter
        "timeout_keep_alive": settings.keep_alive_seconds,
        "timeout_graceful_shutdown": settings.shutdown_drain_seconds,
        "backlog": 2048,
    }


def run(settings: Settings) -> None:
    """Serve until a signal stops it."""
    config = uvicorn.Config("service.app:create_app", **options(settings))
    address = resolve(settings)
    bound = listener(address, settings.port)
    logger.info("listening on http://%s", bind_string(address, bound.getsockname()[1]))
    uvicorn.Server(config).run(sockets=[bound])
