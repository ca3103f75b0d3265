import asyncio
from typing import TYPE_CHECKING, Any

import asyncpg
from asyncpg.connect_utils import SessionAttribute

from service import NAME
from service.database.config import DatabaseConfig
from service.database.errors import reason_of

PRIMARY = "primary"
MIN_TIMEOUT_SECONDS = 0.001
# Behind one address there may be several servers, as two PgBouncers behind a Service. For a second or two one that has
# just gone still gets its share of the connections: who is refused asks again at once.
TRIES_WHEN_REFUSED = 5
PAUSE_SECONDS = 0.01

if TYPE_CHECKING:
    _Connection = asyncpg.Connection[asyncpg.Record]
else:
    _Connection = asyncpg.Connection  # generic in its stubs only


class Connection(_Connection):
    """A connection that knows when it was made and put aside, and up to where its server has replayed at least."""

    __slots__ = ("generation", "idle_since", "position")

    generation: int
    idle_since: float
    position: int


class Login:
    """Logs in to the first of a server's hosts that takes us, and begins with that one the next time."""

    def __init__(self, config: DatabaseConfig, target: str) -> None:
        self._config = config
        self._hosts = config.logins
        # Of several hosts the one that is primary; asyncpg's default takes the first that answers.
        self._attribute = SessionAttribute.primary if target == PRIMARY else SessionAttribute.any

    @property
    def has_choice(self) -> bool:
        """Whether the server is at one of several hosts."""
        return len(self._hosts) > 1

    async def __call__(self, seconds: float) -> Connection:
        """Connect within that time, of which each host has its share: one may be silent.

        Raises:
            ConnectionRefusedError: nobody listens there.
            TimeoutError: it took longer.
            OSError: it cannot be reached, or went away meanwhile.
            asyncpg.PostgresError: the server does not take us.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        untried = list(self._hosts)
        while True:
            host = untried.pop(0)
            try:
                connection = await self._reach(host, (deadline - loop.time()) / (len(untried) + 1))
            except Exception as error:
                if not untried or reason_of(error) is None:
                    raise
            else:
                self._hosts = [host, *(other for other in self._hosts if other is not host)]
                return connection

    async def _reach(self, host: dict[str, Any], seconds: float) -> Connection:
        """Connect, and again where that is refused; of several hosts the next one is tried instead."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        left = 1 if self.has_choice else TRIES_WHEN_REFUSED
        while True:
            left -= 1
            try:
                return await self._connect(host, deadline - loop.time())
            except ConnectionRefusedError:
                if not left:
                    raise
            await asyncio.sleep(PAUSE_SECONDS)

    async def _connect(self, host: dict[str, Any], seconds: float) -> Connection:
        connection = await asyncpg.connect(
            **host,
            target_session_attrs=self._attribute,
            timeout=max(MIN_TIMEOUT_SECONDS, seconds),
            command_timeout=self._config.operation_timeout_seconds,
            connection_class=Connection,
            server_settings={"application_name": NAME},
        )
        connection.position = 0
        return connection
