import asyncio
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.api import TOKEN
from tests.integration.users import without_versions
from tests.redis_process import RedisProcess
from tests.sabotage import patched, sabotage
from tests.service_process import ServiceProcess, side_by_side

pytestmark = [pytest.mark.anyio, pytest.mark.integration]

CLIENTS = 2
"""Of each process."""


@pytest.fixture
def processes(redis: RedisProcess, users_url: str, tmp_path: Path) -> Iterator[list[ServiceProcess]]:
    """Start two processes on one database, with one Redis."""
    with side_by_side(2, tmp_path, database_url=users_url, redis_url=redis.url) as processes:
        yield processes


async def increment(process: ServiceProcess, path: str, times: int) -> int:
    """Count up from what was seen last, so many times; returns how often that was acknowledged."""
    acknowledged = 0
    url = f"http://127.0.0.1:{process.port}"
    async with httpx.AsyncClient(base_url=url, headers=TOKEN, timeout=60) as client:
        seen = await client.get(path)
        for _ in range(times):
            name = str(int(seen.json()["name"]) + 1)
            answer = await client.patch(path, json={"name": name}, headers={"if-match": seen.headers["etag"]})
            if answer.status_code == 200:
                acknowledged += 1
                seen = answer
            elif answer.status_code == 412:
                seen = await client.get(path)
            else:
                raise RuntimeError(f"neither written nor refused, but {answer.status_code}: {answer.text}")
    return acknowledged


@sabotage("the UPDATE asks for no version", patched((ServiceProcess, "module", without_versions.__name__)))
async def test_each_acknowledged_increment_counts(
    processes: list[ServiceProcess], request: pytest.FixtureRequest
) -> None:
    """Of all that clients of two processes try with If-Match none overwrites another's."""
    times = request.config.getoption("--increments") // (len(processes) * CLIENTS)
    url = f"http://127.0.0.1:{processes[0].port}"
    async with httpx.AsyncClient(base_url=url, headers=TOKEN, timeout=60) as client:
        created = await client.post("/api/users", json={"name": "0", "email": "counter@example.com"})
        path = created.headers["location"]
        acknowledged = sum(await asyncio.gather(*(increment(each, path, times) for each in processes * CLIENTS)))
        counted = (await client.get(path)).json()["name"]
    assert counted == str(acknowledged)
    assert acknowledged > 0
