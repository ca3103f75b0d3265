import importlib
import os
import signal
import sys
import tempfile
from types import FrameType

from .observability import logging
from .server.address import AddressError
from .server.config import ServerConfig
from .settings.common import CommonSettings
from .settings.problems import EX_USAGE


def run(application: str, settings: CommonSettings, *, is_factory: bool = False) -> int:
    """Serve until a signal ends it; returns the exit status.

    Args:
        application: where it is, as `module:name`.
        settings: what it is served by, and where.
        is_factory: whether that is a function that makes it.
    """
    logging.configure(settings.log_level)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _exit)  # before the server handles it, and when uvicorn, done, raises it again
    server = ServerConfig.of(settings, application, is_factory=is_factory)
    if settings.workers == 1:
        return _serve(settings.server, server)
    # Workers count into files that any of them adds up when it is scraped; prometheus_client reads this when imported.
    with tempfile.TemporaryDirectory(prefix="metrics-") as folder:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
        return _serve(settings.server, server)


def _exit(_signal_number: int, _frame: FrameType | None) -> None:
    sys.exit(0)


def _serve(name: str, server: ServerConfig) -> int:
    try:
        importlib.import_module(f".server.{name}", __package__).run(server)
    except AddressError as error:
        sys.stderr.write(f"error: {error}\n")
        return EX_USAGE
    return 0
