"""`python -m service`: serve, as the settings say."""

import importlib
import sys

from pydantic import ValidationError

from service.observability import logging
from service.settings import Settings


def main() -> int:
    """Serve until a signal ends it; returns the exit status."""
    try:
        settings = Settings()
    except ValidationError as error:
        for problem in error.errors():
            name = "_".join(["USERS_API", *(str(part).upper() for part in problem["loc"])])
            sys.stderr.write(f"error: {name if problem['loc'] else 'settings'}: {problem['msg']}\n")
        return 64
    logging.configure(settings.log_level)
    importlib.import_module(f"service.server.{settings.server}").run(settings)
    return 0


if __name__ == "__main__":
    sys.exit(main())
