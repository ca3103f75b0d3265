import asyncio
from collections.abc import Sequence

from opentelemetry.trace import Tracer

from service.database import metrics
from service.database.config import DatabaseConfig
from service.database.errors import WORTH_A_SECOND_TRY, DatabaseUnavailableError
from service.database.query import Query, Read, Record
from service.database.server import Server


class Database:
    """The servers behind the users: where to read, where to write, and what may be tried again.

    Raises `DatabaseUnavailableError` within `operation_timeout_seconds` where there is no answer, and asyncpg's own
    errors where the answer is one.
    """

    is_enabled = True

    def __init__(self, config: DatabaseConfig, tracer: Tracer | None = None) -> None:
        self._config = config
        self.primary = Server(config, tracer=tracer)
        self.background = [self.primary.background]

    @property
    def available(self) -> bool:
        """Whether writes are let through."""
        return self.primary.available

    def checks(self) -> dict[str, object]:
        """Return what /readyz?verbose says of the servers."""
        return {"available": self.available, "breaker": self.primary.state}

    async def start(self) -> None:
        """Connect ahead of the first request, or start degraded; never raises."""
        await self.primary.start()

    async def aclose(self) -> None:
        """Close all connections."""
        await self.primary.aclose()

    async def read(self, query: Query, *arguments: object, fresh: bool = False) -> Read:
        """Return the rows of a statement that changes nothing; one that brought no answer is tried once more.

        `fresh` asks the server that takes the writes.
        """
        rows = await self._try_twice(self._servers_to_read(fresh=fresh), query, arguments, is_repeatable=True)
        return Read(rows, cacheable=True)

    async def write(self, query: Query, *arguments: object, is_repeatable: bool = False) -> list[Record]:
        """Return the rows of a statement that writes; tried once more only if the first try left nothing behind.

        `is_repeatable` says that a second time would change nothing more.
        """
        return await self._try_twice([self.primary], query, arguments, is_repeatable=is_repeatable)

    def _servers_to_read(self, *, fresh: bool) -> Sequence[Server]:  # noqa: ARG002 - for replicas
        return [self.primary]

    async def _try_twice(
        self, servers: Sequence[Server], query: Query, arguments: tuple[object, ...], *, is_repeatable: bool
    ) -> list[Record]:
        deadline = asyncio.get_running_loop().time() + self._config.operation_timeout_seconds
        try:
            return await servers[0].fetch(query, arguments, deadline)
        except DatabaseUnavailableError as error:
            if error.reason not in WORTH_A_SECOND_TRY or (error.may_have_happened and not is_repeatable):
                raise
        metrics.RETRIES.labels(query.name).inc()
        return await servers[-1].fetch(query, arguments, deadline)
