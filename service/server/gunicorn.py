from typing import Any

from gunicorn.app.base import BaseApplication
from prometheus_client import multiprocess
from uvicorn_worker import UvicornWorker

from service.settings import Settings


class _Worker(UvicornWorker):  # type: ignore[misc] # uvicorn-worker ships no types
    """A uvicorn in each of gunicorn's workers, set as the one-process server is."""

    CONFIG_KWARGS: dict[str, Any] = {"loop": "uvloop", "http": "httptools", "ws": "none", "factory": True, "lifespan": "on"}  # noqa: RUF012 - uvicorn-worker's interface


class _Application(BaseApplication):  # type: ignore[misc] # gunicorn ships no types
    def __init__(self, options: dict[str, object]) -> None:
        self._options = options
        super().__init__()

    def load_config(self) -> None:
        for key, value in self._options.items():
            self.cfg.set(key, value)

    def load(self) -> Any:
        from service.app import create_app  # noqa: PLC0415 - in the worker, after the fork

        return create_app


def options(settings: Settings) -> dict[str, object]:
    """Return gunicorn's settings."""
    return {
        "bind": f"{settings.host}:{settings.port}",
        "workers": settings.workers,
        "worker_class": _Worker,
        "keepalive": settings.keep_alive_seconds,
        "graceful_timeout": settings.shutdown_drain_seconds,
        "accesslog": None,
        "logconfig_dict": {"version": 1, "disable_existing_loggers": False, "loggers": {}},
        "child_exit": _forget_worker,
    }


def run(settings: Settings) -> None:
    """Serve by gunicorn until a signal stops it."""
    _Application(options(settings)).run()


def _forget_worker(_server: object, worker: Any) -> None:
    """Take the live gauges of a worker that ended out of the sum."""
    multiprocess.mark_process_dead(worker.pid)
