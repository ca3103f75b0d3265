import logging
from collections.abc import Callable

from fastapi import FastAPI
from gunicorn.app.base import BaseApplication
from gunicorn.config import Config
from gunicorn.glogging import Logger
from uvicorn.importer import import_from_string
from uvicorn_worker import UvicornWorker

from . import uvicorn
from .address import bind_string, resolve
from .config import ServerConfig

# What a worker needs beside its requests' own time: to close its pools and flush its exporters.
CLOSING_SECONDS = 5


class _UvicornWorker(UvicornWorker):  # type: ignore[misc] # uvicorn-worker ships no types
    """A uvicorn in each worker, with the options of the one-process server."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        logging.getLogger("uvicorn.error").propagate = True  # to our JSON lines; the base class cut it off


class _Logger(Logger):  # type: ignore[misc] # gunicorn ships no types
    """Leaves gunicorn's records to the handlers that there are."""

    def setup(self, cfg: Config) -> None:
        """Add no handlers of its own."""
        self.cfg = cfg
        self.error_log.propagate = True


class _Application(BaseApplication):  # type: ignore[misc] # gunicorn ships no types
    def __init__(self, server: ServerConfig) -> None:
        self._options = options(server)
        self._application = server.application
        super().__init__()

    def load_config(self) -> None:
        for key, value in self._options.items():
            self.cfg.set(key, value)

    def load(self) -> Callable[[], FastAPI] | FastAPI:
        """Return the application, or what makes it; in the worker, after the fork."""
        application: Callable[[], FastAPI] | FastAPI = import_from_string(self._application)
        return application


def options(server: ServerConfig) -> dict[str, object]:
    """Return gunicorn's settings."""
    worker = type("ServiceWorker", (_UvicornWorker,), {"CONFIG_KWARGS": uvicorn.options(server)})
    return {
        "bind": bind_string(resolve(server), server.port),
        "workers": server.workers,
        "worker_class": worker,
        "keepalive": server.keep_alive_seconds,
        "graceful_timeout": int(server.shutdown_delay_seconds + server.shutdown_drain_seconds + CLOSING_SECONDS),
        "logger_class": _Logger,
    }


def run(server: ServerConfig) -> None:
    """Serve by gunicorn until a signal stops it."""
    _Application(server).run()
