"""`python -m service`: serve, as the settings say."""

import gc
import importlib
import os
import signal
import sys
import tempfile
from logging import getLogger
from types import FrameType

from pydantic import ValidationError

from service import server
from service.fleet.observability import logging
from service.fleet.server.address import AddressError
from service.fleet.settings.environment import service_links
from service.settings import EX_USAGE, PREFIX, Settings, problems

SERVICE_LINKS = (
    "ignored what Kubernetes says of a Service with a name like this one's settings: set enableServiceLinks: false in"
    " the pod's spec, or name the Service otherwise"
)
logger = getLogger(__name__)


def main() -> int:
    """Serve until a signal ends it; returns the exit status."""
    gc.disable()  # the start makes little garbage, and looking for it takes 60 of its 800 ms; the lifespan ends this
    try:
        settings = Settings()
    except ValidationError as error:
        sys.stderr.writelines(f"error: {problem}\n" for problem in problems(error))
        return EX_USAGE
    logging.configure(settings.log_level)
    if links := service_links(os.environ, PREFIX):
        logger.warning(SERVICE_LINKS, extra={"variables": links})
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _exit)  # before the server handles it, and when uvicorn, done, raises it again
    if settings.workers == 1:
        return _serve(settings)
    # Workers count into files that any of them adds up when it is scraped; prometheus_client reads this when imported.
    with tempfile.TemporaryDirectory(prefix="users-api-metrics-") as folder:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
        return _serve(settings)


def _exit(_signal_number: int, _frame: FrameType | None) -> None:
    sys.exit(0)


def _serve(settings: Settings) -> int:
    try:
        importlib.import_module(f"service.fleet.server.{settings.server}").run(server.configure(settings))
    except AddressError as error:
        sys.stderr.write(f"error: {error}\n")
        return EX_USAGE
    return 0


if __name__ == "__main__":
    sys.exit(main())
