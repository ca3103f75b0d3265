"""`python -m service.migrate`: bring the schema to what this version needs.

Revisions are of two branches. `expand` adds what the next version needs and the present one does not mind: it may run
while both serve. `contract` takes away what no version needs any more: it runs on request, once the old one is gone.
"""

import argparse
import asyncio
import logging
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import asyncpg
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from asyncpg.connect_utils import SessionAttribute
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

from service.command import EX_TEMPFAIL, begin
from service.database import DatabaseConfig

logger = logging.getLogger(__name__)

Branch = Literal["expand", "contract"]

# Any number that nobody else uses will do: one Job at a time holds it.
ADVISORY_LOCK = 0x75736572736170
# A statement that waits for a lock makes every later one on that table wait behind it, and the service's requests have
# less than a second, of which they wait a quarter for a connection: rather give up before that, and come again. All
# attempts together outlast a report of two minutes.
LOCK_TIMEOUT_SECONDS = 0.2
LOCK_ATTEMPTS = 75
LOCK_PAUSE_SECONDS = 2.0
CONNECT_ATTEMPTS = 60
CONNECT_TIMEOUT_SECONDS = 5
POLL_SECONDS = 1.0


class MigrationError(Exception):
    """The schema could not be brought to where it should be."""


def config() -> Config:
    """Return what Alembic needs to know."""
    alembic = Config()
    alembic.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    alembic.set_main_option("path_separator", "os")
    return alembic


async def migrate(database: DatabaseConfig, branch: Branch = "expand") -> None:
    """Apply the missing revisions of `branch`; none if the schema is that of a newer version.

    Raises:
        MigrationError: the database did not answer, or a lock was not to be had.
    """
    async with _connection(database) as connection:
        await _lock(connection)
        for _ in range(LOCK_ATTEMPTS):
            try:
                await connection.run_sync(_apply, branch)
            except DBAPIError as error:
                if not _is_lock_timeout(error):
                    raise
                await connection.rollback()
                logger.warning("a table is in use, trying again: %s", error.orig)
                await asyncio.sleep(LOCK_PAUSE_SECONDS)
            else:
                return
    raise MigrationError(f"a table stayed in use through {LOCK_ATTEMPTS} attempts: end the long transaction on it")


def is_absent(database: DatabaseConfig) -> bool:
    """Whether nothing has the name of the database's host. A server that is only away has one."""
    try:
        socket.getaddrinfo(urlsplit(database.url).hostname, None)
    except socket.gaierror as error:
        return error.errno == socket.EAI_NONAME
    return False


@asynccontextmanager
async def _connection(database: DatabaseConfig) -> AsyncIterator[AsyncConnection]:
    async def connect_once() -> "asyncpg.Connection[asyncpg.Record]":
        # Of several hosts the one that takes writes.
        attributes = SessionAttribute.primary
        return await asyncpg.connect(**database.login, target_session_attrs=attributes, timeout=CONNECT_TIMEOUT_SECONDS)

    async def connect() -> "asyncpg.Connection[asyncpg.Record]":
        for _ in range(CONNECT_ATTEMPTS - 1):
            try:
                return await connect_once()
            except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                logger.warning("the database does not answer yet: %s", error)
                await asyncio.sleep(POLL_SECONDS)
        return await connect_once()

    engine = create_async_engine("postgresql+asyncpg://", async_creator=connect, poolclass=NullPool)
    try:
        async with engine.connect() as connection:
            yield connection
    finally:
        await engine.dispose()


async def _lock(connection: AsyncConnection) -> None:
    """Wait for other Jobs by asking again: a wait inside a statement would block CREATE INDEX CONCURRENTLY."""
    while not await connection.scalar(text(f"SELECT pg_try_advisory_lock({ADVISORY_LOCK})")):
        await connection.commit()
        logger.info("another migration is running")
        await asyncio.sleep(POLL_SECONDS)
    await connection.execute(text(f"SET lock_timeout = '{LOCK_TIMEOUT_SECONDS}s'"))
    await connection.commit()


def _apply(connection: Connection, branch: Branch) -> None:
    alembic = config()
    scripts = ScriptDirectory.from_config(alembic)
    present = MigrationContext.configure(connection).get_current_heads()
    known = {script.revision: script for script in scripts.walk_revisions()}
    connection.rollback()  # what only looked
    if unknown := set(present) - set(known):
        logger.warning("the schema is newer than this version, and is left as it is: %s", ", ".join(sorted(unknown)))
        return
    if not any(branch in script.branch_labels for script in known.values()):
        logger.info("there is nothing to %s", branch)
        return
    alembic.attributes["connection"] = connection
    command.upgrade(alembic, f"{branch}@head")
    connection.commit()


def _is_lock_timeout(error: DBAPIError) -> bool:
    return getattr(error.orig, "sqlstate", None) == asyncpg.LockNotAvailableError.sqlstate


def main() -> int:
    """Migrate as the command line says; returns the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--contract", action="store_true", help="take away what no running version needs any more")
    parser.add_argument(
        "--skip-if-absent",
        action="store_true",
        help="end well if there is no such host yet: ahead of a release that brings its own database",
    )
    arguments = parser.parse_args()
    branch: Branch = "contract" if arguments.contract else "expand"
    database = begin()
    if arguments.skip_if_absent and is_absent(database):
        logger.info("there is nothing to migrate yet: no host has that name")
        return 0
    try:
        asyncio.run(migrate(database, branch))
    except (MigrationError, OSError, asyncpg.PostgresError, DBAPIError) as error:
        sys.stderr.write(f"error: {error}\n")
        return EX_TEMPFAIL
    logger.info("the schema is as this version needs it")
    return 0


if __name__ == "__main__":
    sys.exit(main())
