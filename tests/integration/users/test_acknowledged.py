import json
import re
import signal
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest

from tests.api import TOKEN
from tests.redis_process import RedisProcess
from tests.service_process import ServiceProcess, read, side_by_side

pytestmark = pytest.mark.integration

WRITES = 10


@pytest.fixture
def processes(redis: RedisProcess, users_url: str, tmp_path: Path) -> Iterator[list[ServiceProcess]]:
    """Start three processes on one database, with one Redis."""
    with side_by_side(3, tmp_path, database_url=users_url, redis_url=redis.url) as processes:
        yield processes


def send(process: ServiceProcess, method: str, path: str, body: object = None) -> tuple[int, dict[str, str], bytes]:
    """Return status, headers and content."""
    connection = HTTPConnection("127.0.0.1", process.port, timeout=60)
    try:
        text = None if body is None else json.dumps(body)
        connection.request(method, path, text, {**TOKEN, "content-type": "application/json"})
        return read(connection.getresponse())
    finally:
        connection.close()


def name_at(process: ServiceProcess, path: str) -> str:
    """What the user is called there."""
    status, _, content = send(process, "GET", path)
    assert status == 200
    name: str = json.loads(content)["name"]
    return name


def rename(process: ServiceProcess, path: str, name: str) -> None:
    """Change the user there."""
    assert send(process, "PATCH", path, {"name": name})[0] == 200


def unheard(process: ServiceProcess) -> float:
    """How many of its writes were acknowledged though another process had not answered."""
    metrics = process.get("/metrics")[2].decode()
    found = re.search(r"^users_api_cache_unheard_writes_total (\S+)$", metrics, re.MULTILINE)
    assert found is not None
    return float(found[1])


def test_a_frozen_process_costs_one_wait(processes: list[ServiceProcess]) -> None:
    """Its connection stands, so Redis counts it; others are waited for, and when it goes on it shows nothing past."""
    writer, reader, frozen = processes
    path = send(writer, "POST", "/api/users", {"name": "Ada", "email": "ada@example.com"})[1]["location"]
    assert [name_at(process, path) for process in processes] == ["Ada"] * 3
    before = unheard(writer)
    frozen.process.send_signal(signal.SIGSTOP)
    try:
        for number in range(WRITES):
            rename(writer, path, f"Ada {number}")
            assert name_at(reader, path) == f"Ada {number}"
    finally:
        frozen.process.send_signal(signal.SIGCONT)
    assert name_at(frozen, path) == f"Ada {WRITES - 1}"
    assert 1 <= unheard(writer) - before < WRITES
