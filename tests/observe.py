import asyncio
from collections.abc import Callable

from prometheus_client import REGISTRY


async def until(condition: Callable[[], bool]) -> None:
    """Wait for `condition`, for so long that a machine busy with twenty other things gets there too."""
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 - the condition lies in another process
            await asyncio.sleep(0.01)


def sample(name: str, **labels: str) -> float:
    """The present value of a metric."""
    return REGISTRY.get_sample_value(name, labels) or 0.0
