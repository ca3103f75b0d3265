import asyncio
from collections.abc import Callable

from prometheus_client import REGISTRY


async def until(condition: Callable[[], bool], seconds: float) -> None:
    """Wait for `condition`; the limit is part of what is promised, so running into it is a failure."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - the condition lies in another process
            await asyncio.sleep(0.01)


def sample(name: str, **labels: str) -> float:
    """The present value of a metric."""
    return REGISTRY.get_sample_value(name, labels) or 0.0
