import itertools
import json
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from tests.api import TOKEN
from tests.postgres_process import PostgresProcess, name_of
from tests.redis_process import RedisProcess
from tests.service_process import ServiceProcess, read, side_by_side

pytestmark = pytest.mark.integration


class Front:
    """One URL before several processes: each request goes to the next one, on a connection of its own."""

    def __init__(self, processes: list[ServiceProcess]) -> None:
        self._turns = itertools.cycle(processes)
        self.size = len(processes)

    def request(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, dict[str, str], Any]:  # noqa: ANN401 - JSON
        """Return status, headers and JSON."""
        connection = HTTPConnection("127.0.0.1", next(self._turns).port, timeout=60)
        try:
            given = {**TOKEN, **{name.replace("_", "-"): value for name, value in headers.items()}}
            if body is not None:
                given["content-type"] = "application/json"
            connection.request(method, path, None if body is None else json.dumps(body), given)
            status, found, content = read(connection.getresponse())
            return status, found, json.loads(content) if content else None
        finally:
            connection.close()


@pytest.fixture
def front(replica: PostgresProcess, redis: RedisProcess, users_url: str, tmp_path: Path) -> Iterator[Front]:
    """Start three processes with one Redis, one primary, and a replica that is a while behind and yet answers."""
    replica.sql("ALTER SYSTEM SET recovery_min_apply_delay = 300")
    replica.sql("SELECT pg_reload_conf()")
    replicas = [replica.url(name_of(users_url))]
    urls = {"database_url": users_url, "database_replica_urls": replicas, "redis_url": redis.url}
    with side_by_side(3, tmp_path, **urls) as processes:
        yield Front(processes)


def test_three_processes_are_one_service(front: Front) -> None:
    """Whatever was acknowledged is there at the next request, in each way to read it, whichever process answers."""
    for number in range(12):
        ada = {"name": "Ada", "email": f"ada{number}@example.com"}
        status, headers, created = front.request("POST", "/api/users", ada, idempotency_key=f"key-{number}")
        assert status == 201
        path = headers["location"]
        again = front.request("POST", "/api/users", ada, idempotency_key=f"key-{number}")
        assert (again[0], again[2]) == (201, created)
        assert front.request("POST", "/api/users", ada)[0] == 409
        expect(front, path, created, headers["etag"])

        status, headers, changed = front.request("PATCH", path, {"name": "x"}, if_match=headers["etag"])
        assert (status, changed) == (200, {**created, "name": "x"})
        expect(front, path, changed, headers["etag"])
        assert front.request("PATCH", path, {"name": "y"}, if_match='"1-old"')[0] == 412

        assert front.request("DELETE", path)[0] == 204
        for _ in range(front.size):
            assert front.request("GET", path)[0] == 404
            assert created["id"] not in [user["id"] for user in front.request("GET", "/api/users")[2]["items"]]
        assert front.request("PATCH", path, {"name": "y"})[0] == 404


def expect(front: Front, path: str, user: dict[str, Any], etag: str) -> None:
    """See the user in every process, alone and in the list."""
    for _ in range(front.size):
        status, headers, found = front.request("GET", path)
        assert (status, found, headers["etag"]) == (200, user, etag)
        assert user in front.request("GET", "/api/users")[2]["items"]
    assert front.request("GET", path, if_none_match=etag)[0] == 304
