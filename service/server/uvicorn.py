import uvicorn

from service.settings import Settings


def config(settings: Settings) -> uvicorn.Config:
    """Return uvicorn's configuration for one process."""
    return uvicorn.Config(
        "service.app:create_app",
        factory=True,
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # the client's address is resolved from trusted proxies only, by the limiter
        timeout_keep_alive=settings.keep_alive_seconds,
        timeout_graceful_shutdown=settings.shutdown_drain_seconds,
        limit_concurrency=settings.max_connections,
        backlog=2048,
    )


def run(settings: Settings) -> None:
    """Serve until a signal stops it."""
    uvicorn.Server(config(settings)).run()
