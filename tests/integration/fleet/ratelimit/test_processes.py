import asyncio
import json
import sys
import time
from pathlib import Path

import pytest

from tests.redis_process import RedisProcess

pytestmark = [pytest.mark.anyio, pytest.mark.integration]

ROOT = Path(__file__).parents[4]


async def run(redis: RedisProcess, *, limit: int, window: float, rate: float, seconds: float) -> dict[str, float]:
    """Let three processes ask together `rate` times a second; the sums of their reports."""
    arguments = [redis.url, str(limit), *map(str, (window, rate / 3, seconds))]
    processes = [
        await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.integration.fleet.ratelimit.load", *arguments),
            cwd=ROOT,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        for _ in range(3)
    ]
    for process in processes:
        assert process.stdout is not None
        assert await process.stdout.readline() == b"ready\n"
    start = f"{time.time() + 0.1}\n".encode()
    reports = [
        json.loads(output) for output, _ in await asyncio.gather(*(process.communicate(start) for process in processes))
    ]
    return {name: sum(report[name] for report in reports) for name in reports[0]}


async def test_three_processes_share_a_limit(redis: RedisProcess) -> None:
    """At twice the limit, three processes allow it within 2 % over two windows, for a third of a trip a request."""
    limit, window = 600, 3.0
    total = await run(redis, limit=limit, window=window, rate=2 * limit / window, seconds=2 * window)
    assert total["failed"] == 0
    assert total["asked"] >= 3.9 * limit
    assert abs(total["allowed"] - 2 * limit) <= 0.02 * 2 * limit
    assert total["trips"] <= total["asked"] / 3


async def test_three_processes_share_a_small_limit_exactly(redis: RedisProcess) -> None:
    """Of a limit of 20, three processes allow exactly 20."""
    total = await run(redis, limit=20, window=60, rate=60, seconds=1)
    assert total["failed"] == 0
    assert total["asked"] > 40
    assert total["allowed"] == 20
