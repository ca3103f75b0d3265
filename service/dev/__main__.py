"""`python -m service.dev`: the service with reload on localhost, with a Redis and a PostgreSQL that end with it.

Each start makes both anew, with the same first users: two may run at once, and no branch meets another's schema.
"""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn
from pydantic import ValidationError

from service.database import DatabaseConfig
from service.dev.port import free_port
from service.dev.postgres import LocalPostgres, folder, programs
from service.dev.redis import LocalRedis
from service.fleet.observability import logging
from service.migrate import migrate
from service.seed import seed
from service.settings import EX_USAGE, PREFIX, Settings, problems
from service.users.example import SEEDED_USERS

INTERRUPTED = 128 + signal.SIGINT


def main() -> int:
    """Serve until interrupted; returns the exit status."""
    try:
        settings = Settings(environment="development")
    except ValidationError as error:
        sys.stderr.writelines(f"error: {problem}\n" for problem in problems(error))
        return EX_USAGE
    try:
        _require_free(settings.host, settings.port)
        logging.configure(settings.log_level)
        # Who closes the terminal, or ends this process alone, means the servers too.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        signal.signal(signal.SIGHUP, lambda *_: signal.raise_signal(signal.SIGTERM))
        with _redis(settings) as redis_url, _database(settings.database_url) as database_url:
            # The reloader starts the service in a process of its own, which reads its settings from here.
            os.environ[f"{PREFIX}REDIS_URL"] = redis_url
            os.environ[f"{PREFIX}DATABASE_URL"] = database_url
            _serve(settings)
    except subprocess.CalledProcessError as error:
        sys.stderr.write(f"error: {error}\n{error.stderr}")
        return 1
    except (OSError, RuntimeError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED
    return 0


def _require_free(host: str, port: int) -> None:
    """Raise an OSError unless the service will be able to listen there: before anything else is started."""
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    with socket.socket(family, kind, protocol) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError as error:
            remedy = f"end what listens there (another `make dev`?), or set {PREFIX}PORT to another port"
            raise OSError(f"{host}:{port} is not to be had ({error.strerror}): {remedy}") from error


@contextmanager
def _redis(settings: Settings) -> Iterator[str]:
    """Run a Redis, unless the settings name one, or none at all; yields its URL, which is empty if there is none."""
    if "redis_url" in settings.model_fields_set:
        _say(
            f"cache: in the Redis of {PREFIX}REDIS_URL"
            if settings.redis_url
            else "cache: in the process, without Redis"
        )
        yield settings.redis_url
        return
    with tempfile.TemporaryDirectory(prefix="users-api-redis-") as place:
        server = LocalRedis(Path(place))
        try:
            server.start()
            yield server.url
        finally:
            server.stop()


@contextmanager
def _database(given: str) -> Iterator[str]:
    """Run a PostgreSQL with the first users, unless one is `given`; yields its URL, which is empty if there is none."""
    if given:
        _say(f"users: in the database of {PREFIX}DATABASE_URL, as it is; `python -m service.migrate` makes its tables")
        yield given
        return
    try:
        programs()
    except FileNotFoundError as error:
        _say(f"users: in the memory of the process, gone with each reload, for {error}")
        yield ""
        return
    with folder() as place:
        server = LocalPostgres(place / "data", free_port())
        server.create()
        try:
            server.start()
            database = DatabaseConfig(server.url())
            asyncio.run(migrate(database))
            asyncio.run(seed(database, SEEDED_USERS))
            _say(
                f"users: {SEEDED_USERS:,} in {database.url}, which ends with this command; "
                f"set {PREFIX}DATABASE_URL to keep them in a database of yours"
            )
            yield database.url
        finally:
            server.stop()


def _serve(settings: Settings) -> None:
    _say(f'try: curl -H "Authorization: Bearer test-token" http://{settings.host}:{settings.port}/api/users/1')
    uvicorn.run(
        "service.app:create_app",
        factory=True,
        reload=True,
        reload_dirs=["service"],
        host=settings.host,
        port=settings.port,
        ws="none",
    )


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
