"""`python -m service.seed`: add made-up users to the database, as far as they are missing."""

import argparse
import asyncio
import sys
from collections.abc import Callable

import asyncpg

from service.command import EX_TEMPFAIL, begin
from service.database import DatabaseConfig
from service.users import queries
from service.users.example import SEEDED_USERS, example_user

CHUNK = 10_000
MAX_USERS = 100_000_000
BAR_WIDTH = 40
STATEMENT_TIMEOUT_SECONDS = 60


async def seed(database: DatabaseConfig, users: int, progress: Callable[[int], None] = lambda _done: None) -> None:
    """Add the users 1 to `users` that are missing; others stay as they are. `progress` is told how many are done."""
    connection = await asyncpg.connect(**database.login, command_timeout=STATEMENT_TIMEOUT_SECONDS)
    try:
        for start in range(1, users + 1, CHUNK):
            end = min(start + CHUNK, users + 1)
            async with connection.transaction():
                await connection.execute(queries.MAKE_SEED_TABLE)
                await connection.copy_records_to_table(
                    queries.SEED_TABLE,
                    columns=queries.SEED_COLUMNS,
                    records=(
                        (user.id, user.name, user.email, user.created_at)
                        for user in map(example_user, range(start, end))
                    ),
                )
                await connection.execute(queries.INSERT_SEED)
                await connection.execute(queries.MOVE_SEQUENCE)
            progress(end - 1)
    finally:
        await connection.close()


def bar(done: int, of: int) -> str:
    """Return how far it is, as a line that the next one overwrites."""
    filled = BAR_WIDTH * done // of
    return f"\r[{'#' * filled}{' ' * (BAR_WIDTH - filled)}] {done:,} of {of:,} users"


def main() -> int:
    """Seed as the command line says; returns the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--users", type=int, default=SEEDED_USERS, metavar="N", help="how many (default: %(default)s)")
    users: int = parser.parse_args().users
    if not 1 <= users <= MAX_USERS:
        parser.error(f"--users must be 1 to {MAX_USERS:,}")
    database = begin()
    try:
        asyncio.run(seed(database, users, lambda done: _show(bar(done, users))))
    except asyncpg.UndefinedTableError:
        sys.stderr.write("error: the tables are missing: run python -m service.migrate first\n")
        return EX_TEMPFAIL
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        sys.stderr.write(f"error: {error}\n")
        return EX_TEMPFAIL
    _show("\n")
    return 0


def _show(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
