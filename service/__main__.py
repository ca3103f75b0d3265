"""`python -m service`: serve, as the settings say."""

import gc
import importlib
import os
import signal
import sys
import tempfile
from types import FrameType

from pydantic import ValidationError
from pydantic_settings import SettingsError

from service.observability import logging
from service.settings import Settings

EX_USAGE = 64  # of sysexits.h
_AS_JSON = '; lists are written as JSON, such as ["a", "b"]'


def main() -> int:
    """Serve until a signal ends it; returns the exit status."""
    gc.disable()  # the start makes little garbage, and looking for it takes 60 of its 800 ms; the lifespan ends this
    try:
        settings = Settings()
    except ValidationError as error:
        for problem in error.errors():
            name = "_".join(["USERS_API", *(str(part).upper() for part in problem["loc"])])
            hint = _AS_JSON if problem["type"] == "tuple_type" else ""
            sys.stderr.write(f"error: {name if problem['loc'] else 'settings'}: {problem['msg']}{hint}\n")
        return EX_USAGE
    except SettingsError as error:
        sys.stderr.write(f"error: settings: {error}{_AS_JSON}\n")
        return EX_USAGE
    logging.configure(settings.log_level)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _exit)  # before the server handles it, and when uvicorn, done, raises it again
    if settings.workers == 1:
        _serve(settings)
        return 0
    # Workers count into files that any of them adds up when it is scraped; prometheus_client reads this when imported.
    with tempfile.TemporaryDirectory(prefix="users-api-metrics-") as folder:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
        _serve(settings)
    return 0


def _exit(_signal_number: int, _frame: FrameType | None) -> None:
    sys.exit(0)


def _serve(settings: Settings) -> None:
    importlib.import_module(f"service.server.{settings.server}").run(settings)


if __name__ == "__main__":
    sys.exit(main())
