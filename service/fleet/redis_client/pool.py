from typing import Any

from redis.asyncio import BlockingConnectionPool
from redis.asyncio.connection import AbstractConnection


class LeanPool(BlockingConnectionPool):
    """redis-py's pool, which neither locks nor counts where nobody waits for a connection.

    Its own way takes and gives a connection back by two locks, a timer and the figures of its telemetry: a third of the
    CPU of a trip that looks up a few keys.
    """

    _waiting = 0

    async def get_connection(self, *_: Any, **__: Any) -> AbstractConnection:  # noqa: ANN401 - deprecated in redis-py, too
        """Return a connection that works; who finds others waiting waits with them."""
        if self._waiting or not self.can_get_connection():
            self._waiting += 1
            try:
                waited_for: AbstractConnection = await super().get_connection()  # type: ignore[no-untyped-call]
            finally:
                self._waiting -= 1
            return waited_for
        connection: AbstractConnection = self.get_available_connection()  # type: ignore[no-untyped-call]
        try:
            await self.ensure_connection(connection)
        except BaseException:
            await self.release(connection)
            raise
        return connection

    async def release(self, connection: AbstractConnection) -> None:
        """Take a connection back, and hand it to who waits."""
        if self._waiting or connection.should_reconnect():  # type: ignore[no-untyped-call]
            await super().release(connection)
            return
        self._in_use_connections.remove(connection)
        self._available_connections.append(connection)
