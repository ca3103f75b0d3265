import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import pytest

from tests.redis_process import RedisProcess
from tests.service_process import ServiceProcess, read

pytestmark = pytest.mark.integration

TOKEN = {"authorization": "Bearer test-token"}
SERVERS = [("uvicorn", 1), ("gunicorn", 2), ("granian", 2)]


@pytest.mark.measured
@pytest.mark.parametrize(("server", "workers"), SERVERS)
def test_a_request_under_way_ends_after_sigterm(tmp_path: Path, server: str, workers: int) -> None:
    """With each server, what has begun is answered, and the process leaves with status 0."""
    answers: list[int] = []
    settings = {"server": server, "workers": workers, "faults_enabled": True}
    with ServiceProcess(tmp_path / "log", **settings) as service:
        slow = threading.Thread(
            target=lambda: answers.append(service.get("/api/faults/sleep?milliseconds=1500", **TOKEN)[0])
        )
        slow.start()
        time.sleep(0.5)
        status = service.stop()
        slow.join()
    assert answers == [200]
    assert status == 0


@pytest.mark.measured
@pytest.mark.parametrize(("server", "workers"), SERVERS[:2])
def test_readiness_ends_before_listening_does(tmp_path: Path, server: str, workers: int) -> None:
    """Within the delay after SIGTERM new connections are still served, /readyz says 503, and each answer closes."""
    settings = {"server": server, "workers": workers, "shutdown_delay_seconds": 3}
    with ServiceProcess(tmp_path / "log", **settings) as service:
        reused = HTTPConnection("127.0.0.1", service.port, timeout=10)
        reused.request("GET", "/api/users/1", headers=TOKEN)
        before = read(reused.getresponse())
        service.process.terminate()
        time.sleep(1)
        unready = service.get("/readyz")
        reused.request("GET", "/api/users/1", headers=TOKEN)
        while_draining = read(reused.getresponse())
        service.process.wait(timeout=30)
    assert before[0] == while_draining[0] == 200
    assert "connection" not in before[1]
    assert while_draining[1]["connection"] == "close"
    assert unready[0] == 503
    assert unready[2] == b'{"status":"stopping"}'


def test_an_interrupt_from_the_keyboard_ends_it_cleanly(tmp_path: Path) -> None:
    """Ctrl-C leaves no traceback behind."""
    with ServiceProcess(tmp_path / "log") as service:
        service.process.send_signal(signal.SIGINT)
        assert service.process.wait(timeout=30) == 0
        assert not [record for record in service.records if record["level"] == "ERROR"]


def test_pools_are_closed_last(tmp_path: Path, redis: RedisProcess) -> None:
    """The application's own shutdown begins when the last connection is done."""
    with ServiceProcess(tmp_path / "log", redis_url=redis.url, faults_enabled=True) as service:
        slow = threading.Thread(target=lambda: service.get("/api/faults/sleep?milliseconds=1000", **TOKEN))
        slow.start()
        time.sleep(0.3)
        service.stop()
        slow.join()
        messages = [record["message"] for record in service.records]
    order = ["Shutting down", "Waiting for application shutdown.", "Application shutdown complete."]
    assert [message for message in messages if message in order] == order
    assert not [record for record in service.records if record["level"] == "ERROR"]


@pytest.mark.parametrize(("server", "workers"), SERVERS[1:])
def test_any_worker_tells_the_metrics_of_all(tmp_path: Path, server: str, workers: int) -> None:
    """A scrape counts every request, whichever worker answered it and whichever is scraped."""
    settings = {"server": server, "workers": workers, "fast_path_enabled": False, "rate_limit_enabled": False}
    with ServiceProcess(tmp_path / "log", **settings) as service:
        assert all(service.get("/api/users/1", **TOKEN)[0] == 200 for _ in range(40))
        scrapes = [service.get("/metrics")[2].decode() for _ in range(6)]
    sample = 'http_requests_total{handler="/api/users/{user_id}",method="GET",status="200"} 40.0'
    assert all(sample in scrape for scrape in scrapes)


def test_the_service_starts_without_redis(tmp_path: Path) -> None:
    """It is ready, and says what it lacks."""
    with ServiceProcess(tmp_path / "log") as service:
        status, _, body = service.get("/readyz?verbose")
    assert status == 200
    assert b'"degraded":true' in body


def test_wrong_settings_are_named(tmp_path: Path) -> None:
    """The process ends at once, with the variable to change."""
    log = tmp_path / "log"
    with pytest.raises(RuntimeError, match="USERS_API_WORKERS"), ServiceProcess(log, workers=0):
        pass


@pytest.mark.parametrize(("server", "workers"), [*SERVERS, ("granian", 1)])
def test_every_server_listens_on_both_families(tmp_path: Path, server: str, workers: int) -> None:
    """On `::` IPv4 and IPv6 are answered alike."""
    # For so long granian waits for a worker that it tells to stop while it starts: that one never hears of it.
    settings = {"server": server, "workers": workers, "shutdown_drain_seconds": 2}
    with ServiceProcess(tmp_path / "log", host="::", **settings) as service:
        for address in ("127.0.0.1", "::1"):
            connection = HTTPConnection(address, service.port, timeout=30)
            connection.request("GET", "/livez")
            assert read(connection.getresponse())[0] == 200
            connection.close()


@pytest.mark.parametrize("server", ["uvicorn", "gunicorn", "granian"])
def test_an_address_of_another_machine_is_named(tmp_path: Path, server: str) -> None:
    """The start ends with the variable to change, and no traceback."""
    log = tmp_path / "log"
    with (
        pytest.raises(RuntimeError, match="error: USERS_API_HOST") as caught,
        ServiceProcess(log, server=server, host="192.0.2.1"),
    ):
        pass
    assert "Traceback" not in str(caught.value)


@pytest.mark.measured
@pytest.mark.parametrize("server", ["gunicorn", "granian"])
def test_gauges_of_dead_workers_leave_the_metrics(tmp_path: Path, server: str) -> None:
    """After both workers were killed, pool sizes are those of their successors, and what they counted stays."""
    settings = {"server": server, "workers": 2, "fast_path_enabled": False, "rate_limit_enabled": False}
    pool = "users_api_redis_pool_size 8.0"  # four connections each
    counted = 'http_requests_total{handler="/api/users/{user_id}",method="GET",status="200"} '
    observed = 'http_request_duration_seconds_count{handler="/api/users/{user_id}",method="GET",status="200"} '
    with ServiceProcess(tmp_path / "log", **settings) as service:
        assert all(service.get("/api/users/1", **TOKEN)[0] == 200 for _ in range(20))
        eventually(lambda: pool in service.get("/metrics")[2].decode())
        before = children(service.process.pid)
        assert len(before) == 2
        for worker in before:
            os.kill(worker, signal.SIGKILL)
        eventually(lambda: len(children(service.process.pid) - before) == 2)
        eventually(lambda: service.get("/api/users/1", **TOKEN)[0] == 200)
        eventually(lambda: pool in service.get("/metrics")[2].decode())
        scrape = service.get("/metrics")[2].decode()
        assert counted + "21.0" in scrape
        assert observed + "21.0" in scrape


def children(process_id: int) -> set[int]:
    """The workers of a server."""
    found = Path(f"/proc/{process_id}/task/{process_id}/children").read_text().split()
    return {int(child) for child in found if "spawn_main" in _command(child) or "-m\0service" in _command(child)}


def _command(process_id: str) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{process_id}/cmdline").read_text()
    return ""


def eventually(condition: Callable[[], bool]) -> None:
    """Wait until it holds, through refused connections."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError, HTTPException):
            if condition():
                return
        time.sleep(0.1)
    raise AssertionError("it did not come to hold within 60 s")
