import time
from pathlib import Path

import pytest

from tests.redis_process import RedisProcess
from tests.service_process import ServiceProcess

pytestmark = pytest.mark.integration

TOKEN = {"authorization": "Bearer test-token"}
QUIET_SECONDS = 4  # eight tries of a channel, ten of a probe


def failures(service: ServiceProcess) -> list[dict[str, str]]:
    """What it has logged of failures; that it has no database either is no failure, and told at the start."""
    return [
        record
        for record in service.records
        if record["level"] in {"WARNING", "ERROR"} and "USERS_API_DATABASE_URL" not in record["message"]
    ]


def warnings(service: ServiceProcess) -> list[str]:
    """The messages of its failures."""
    return [record["message"] for record in failures(service)]


@pytest.mark.parametrize(("server", "workers"), [("uvicorn", 1), ("gunicorn", 2)])
def test_without_redis_by_choice_the_service_is_whole(tmp_path: Path, server: str, workers: int) -> None:
    """It is healthy and ready, says that Redis is off, and neither tries nor warns."""
    with ServiceProcess(tmp_path / "log", redis_url="", server=server, workers=workers) as service:
        time.sleep(QUIET_SECONDS)
        health = service.get("/api/health")[2]
        assert b'"status":"healthy"' in health
        assert b'"redis":"off"' in health
        status, _, body = service.get("/readyz?verbose")
        assert status == 200
        assert b'"degraded":false' in body
        assert b"redis_probe" not in body
        metrics = service.get("/metrics")[2].decode()
        assert warnings(service) == []
    for gauge in ("users_api_redis_available", "users_api_cache_invalidation_channel_up"):
        assert f"{gauge} NaN" in metrics  # neither 0 nor 1 to an alert
    assert "users_api_redis_failures_total{" not in metrics
    assert "users_api_rate_limit_degraded_total 0.0" in metrics


def test_one_process_without_redis_keeps_every_promise(tmp_path: Path) -> None:
    """The limit is exact, L1 is believed for as long as an entry is fresh, a write shows, and no failure is counted."""
    settings = {"redis_url": "", "rate_limit_expected_replicas": 1, "rate_limit_requests": 5}
    with ServiceProcess(tmp_path / "log", **settings) as service:
        first = service.get("/api/users/1", **TOKEN)
        time.sleep(1.5)  # longer than L1 is believed without an invalidation channel
        answers = [first, *(service.get("/api/users/1", **TOKEN) for _ in range(5))]
        metrics = service.get("/metrics")[2].decode()
    assert [status for status, _, _ in answers] == [200] * 5 + [429]
    assert [headers["x-cache"] for _, headers, _ in answers[:5]] == ["MISS", "L1", "L1", "L1", "L1"]
    assert "users_api_rate_limit_degraded_total 0.0" in metrics


def test_a_redis_that_is_away_is_told_once(tmp_path: Path, redis: RedisProcess) -> None:
    """One line when it goes and one when it is back, however often it is tried between."""
    with ServiceProcess(tmp_path / "log", redis_url=redis.url) as service:
        redis.kill()
        time.sleep(QUIET_SECONDS)
        assert warnings(service) == ["redis circuit breaker is open"]
        redis.start()
        deadline = time.monotonic() + 60
        while b'"redis":true' not in service.get("/api/health")[2] and time.monotonic() < deadline:
            time.sleep(0.1)
        time.sleep(QUIET_SECONDS)
        assert warnings(service) == ["redis circuit breaker is open", "redis circuit breaker is closed"]


def test_a_redis_that_was_never_there_is_told_once(tmp_path: Path) -> None:
    """The start says why."""
    with ServiceProcess(tmp_path / "log") as service:
        time.sleep(QUIET_SECONDS)
        (record,) = failures(service)
    assert record["message"] == "redis circuit breaker is open"
    assert "refused" in record["cause"]
