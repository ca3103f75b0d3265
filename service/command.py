import sys

from pydantic import ValidationError

from service.database import DatabaseConfig
from service.fleet.observability import logging
from service.settings import EX_USAGE, PREFIX, Settings, problems

EX_TEMPFAIL = 75  # of sysexits.h


def begin() -> DatabaseConfig:
    """Read the settings of a command that works on the database; ends the process where they are wrong."""
    try:
        settings = Settings()
    except ValidationError as error:
        sys.stderr.writelines(f"error: {problem}\n" for problem in problems(error))
        sys.exit(EX_USAGE)
    if not settings.database_url:
        sys.stderr.write(f"error: {PREFIX}DATABASE_URL is empty: set it to the database to work on\n")
        sys.exit(EX_USAGE)
    logging.configure(settings.log_level)
    return DatabaseConfig.of(settings)
