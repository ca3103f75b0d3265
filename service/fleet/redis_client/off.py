import asyncio
from typing import Any, Literal, NoReturn

from . import metrics
from .client import RedisClient
from .config import RedisConfig
from .errors import RedisUnavailableError


class NoRedis(RedisClient):
    """No Redis, by choice: nothing is connected or tried, every call says so, and each part works without it.

    The gauges of Redis are NaN, which no rule or sum takes for a good or a bad value.
    """

    is_enabled = False

    def __init__(self) -> None:
        super().__init__(RedisConfig())
        for gauge in (metrics.AVAILABLE, metrics.POOL_SIZE, metrics.IN_FLIGHT):
            gauge.set(float("nan"))

    @property
    def available(self) -> bool:
        """There is none."""
        return False

    @property
    def state(self) -> Literal["off"]:
        """There is no breaker where nothing is called."""
        return "off"

    async def start(self) -> None:
        """Connect nothing."""

    async def aclose(self) -> None:
        """Close nothing."""

    async def get(self, _key: str) -> bytes | None:
        """Refuse."""
        self._refuse()

    async def read(self, *_command: bytes | str | float) -> Any:  # noqa: ANN401 - as of a Redis
        """Refuse."""
        self._refuse()

    def write(self, *_command: bytes | str | float) -> asyncio.Future[Any]:
        """Refuse."""
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise RedisUnavailableError("there is no Redis, by choice")
