import logging
from typing import Any

import uvicorn

from .address import bind_string, listener, resolve
from .config import ServerConfig
from .protocol import guarded

logger = logging.getLogger(__name__)


def options(server: ServerConfig) -> dict[str, Any]:
    """Return what every uvicorn is started with, one of its own or one in a gunicorn worker."""
    return {
        "factory": server.is_factory,
        "loop": "uvloop",
        "http": guarded(server),
        "ws": "none",
        "lifespan": "on",
        "log_config": None,
        "access_log": False,
        "server_header": False,
        "proxy_headers": False,  # the client's address is resolved from trusted proxies only, by the limiter
        "timeout_keep_alive": server.keep_alive_seconds,
        "timeout_graceful_shutdown": server.shutdown_drain_seconds,
        "backlog": 2048,
    }


def run(server: ServerConfig) -> None:
    """Serve until a signal stops it."""
    config = uvicorn.Config(server.application, **options(server))
    address = resolve(server)
    bound = listener(address, server.port)
    logger.info("listening on http://%s", bind_string(address, bound.getsockname()[1]))
    uvicorn.Server(config).run(sockets=[bound])
