import time

import pytest

from service.faults import endpoints
from tests.api import calling

pytestmark = pytest.mark.anyio


async def test_faults_are_off_by_default() -> None:
    """Without the setting there is nothing to call."""
    async with calling() as client:
        assert (await client.get("/api/faults/cpu")).status_code == 404


async def test_the_cpu_is_kept_busy_as_long_as_asked() -> None:
    """The process spends the time computing, not waiting."""
    async with calling(faults_enabled=True) as client:
        before = time.process_time()
        response = await client.get("/api/faults/cpu?milliseconds=200")
        spent = time.process_time() - before
    assert response.json() == {"burned_milliseconds": 200}
    assert spent > 0.02  # a tenth of it: others may have had the core meanwhile


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_an_answer_comes_as_late_as_asked(method: str) -> None:
    """The answer takes at least the time."""
    async with calling(faults_enabled=True) as client:
        before = time.monotonic()
        response = await client.request(method, "/api/faults/sleep?milliseconds=50")
    assert time.monotonic() - before >= 0.05
    assert response.json() == {"slept_milliseconds": 50}


async def test_memory_is_kept_as_much_as_asked() -> None:
    """What was leaked stays."""
    async with calling(faults_enabled=True) as client:
        before = sum(map(len, endpoints._leaked))
        response = await client.get("/api/faults/leak?kibibytes=3")
    assert response.json() == {"leaked_kibibytes": 3}
    assert sum(map(len, endpoints._leaked)) - before == 3 * 1024


@pytest.mark.parametrize(("code", "status"), [(503, 503), (404, 404), (599, 422), (200, 422)])
async def test_an_error_is_had_for_the_asking(code: int, status: int) -> None:
    """Registered error codes are answered as problem documents; others are none."""
    async with calling(faults_enabled=True) as client:
        response = await client.get(f"/api/faults/status/{code}")
    assert response.status_code == status
    assert response.json()["status"] == status
