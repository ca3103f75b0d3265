import asyncio
import random
from contextlib import suppress

from service.database import metrics
from service.database.errors import DatabaseUnavailableError
from service.database.query import Query
from service.database.server import Server
from service.fleet.supervision import SupervisedTask

# The last revision of `expand` that this version's statements need, by its number.
NEEDED = 1
ABSENT = 0
PERIOD_SECONDS = 10.0
TIMEOUT_SECONDS = 0.5
# A statement on a table that is not there, or closed to this role, would be a failure, and those wake people.
TABLE = Query(
    "schema_table",
    "SELECT to_regclass('alembic_version') IS NULL AS is_absent,"
    " has_table_privilege(to_regclass('alembic_version'), 'SELECT') AS is_readable",
)
REVISION = Query(
    "schema_revision",
    "SELECT max(substring(version_num FROM '^expand_([0-9]+)$')::int) AS number FROM alembic_version",
)


class Schema:
    """Looks now and then at how far the schema has been migrated, and shows it beside what this version needs."""

    def __init__(self, primary: Server) -> None:
        self.background = SupervisedTask("database_schema", self._watch)
        self._primary = primary
        self._shown = metrics.SCHEMA_REVISION.labels(primary.target)
        self._shown.set(float("nan"))
        metrics.SCHEMA_NEEDED.labels(primary.target).set(NEEDED)

    async def start(self) -> None:
        """Begin to look; never raises."""
        self.background.start()

    def drain(self) -> None:
        """Leave what is shown: nobody looks again."""

    async def aclose(self) -> None:
        """Look no more."""
        await self.background.aclose()

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(PERIOD_SECONDS * random.uniform(0.5, 1))  # noqa: S311 - jitter, not a secret
            if not self._primary.is_draining:
                with suppress(DatabaseUnavailableError):  # as far as it was when last seen
                    self._shown.set(await self._read())

    async def _read(self) -> float:
        (table,) = await self._primary.fetch(TABLE, (), _deadline(), ahead=True)
        if table["is_absent"]:
            return ABSENT
        if not table["is_readable"]:
            return float("nan")
        (row,) = await self._primary.fetch(REVISION, (), _deadline(), ahead=True)
        return row["number"] or ABSENT


def _deadline() -> float:
    return asyncio.get_running_loop().time() + TIMEOUT_SECONDS
