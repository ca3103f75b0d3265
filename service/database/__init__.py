"""PostgreSQL as a part that may fail: each statement bounded, queued for a short while only, given up on quickly."""

from service.database.config import DatabaseConfig
from service.database.database import Database
from service.database.errors import DatabaseUnavailableError
from service.database.off import NoDatabase
from service.database.query import Query, Read

__all__ = ["Database", "DatabaseConfig", "DatabaseUnavailableError", "NoDatabase", "Query", "Read"]
