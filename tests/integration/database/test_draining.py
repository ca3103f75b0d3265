import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from service import NAME
from service.database import Query
from tests import postgres_process
from tests.api import TOKEN
from tests.integration.database import without_draining
from tests.integration.database.connected import connected
from tests.integration.locked_users import locked_users
from tests.observe import until
from tests.postgres_process import PostgresProcess, name_of
from tests.sabotage import patched, sabotage
from tests.service_process import PATIENT, ServiceProcess

pytestmark = [pytest.mark.anyio, pytest.mark.integration]

POOL_SIZE = 4
PID = Query("pid", "SELECT pg_backend_pid() AS pid, (SELECT count(*) FROM users)")
CONNECTIONS = "SELECT count(*) FROM pg_stat_activity WHERE application_name = '{}' AND datname = '{}'"
AT_WORK = CONNECTIONS + " AND wait_event_type = 'Lock'"


@pytest.fixture
def service(users_url: str, tmp_path: Path) -> Iterator[ServiceProcess]:
    """Start the service on the database; told to stop, it goes on to serve until it is told so again."""
    settings: dict[str, object] = {
        **PATIENT,
        "database_url": users_url,
        "database_pool_size": POOL_SIZE,
        "database_idle_seconds": 600,
        "redis_url": "",
        "rate_limit_enabled": False,
        "shutdown_delay_seconds": 600,
    }
    with ServiceProcess(tmp_path / "service.log", **settings) as process:
        yield process


def count(server: PostgresProcess, url: str, what: str = CONNECTIONS) -> int:
    """How many connections the service has to this database."""
    return int(server.sql(what.format(NAME, name_of(url))))


async def comes_true(condition: Callable[[], bool]) -> bool:
    """Whether it does so in a time that is long for what takes milliseconds."""
    deadline = asyncio.get_running_loop().time() + 20
    while asyncio.get_running_loop().time() < deadline:
        if condition():
            return True
        await asyncio.sleep(0.05)
    return False


@sabotage(
    "connections are kept until the end",
    patched((ServiceProcess, "module", without_draining.__name__)),
)
async def test_a_process_that_ends_leaves_its_connections(
    postgres: PostgresProcess, service: ServiceProcess, users_url: str
) -> None:
    """From SIGTERM on it has a connection for each request at work and no other; those who ask still get theirs."""
    url = f"http://127.0.0.1:{service.port}"
    async with httpx.AsyncClient(base_url=url, headers=TOKEN, timeout=60) as client:

        def ask(times: int) -> list[asyncio.Task[httpx.Response]]:
            return [asyncio.create_task(client.get("/api/users")) for _ in range(times)]

        async with locked_users(users_url):
            lists = ask(POOL_SIZE)
            await until(lambda: count(postgres, users_url, AT_WORK) == POOL_SIZE)
        await asyncio.gather(*lists)
        assert count(postgres, users_url) == POOL_SIZE
        async with locked_users(users_url):
            lists += ask(2)
            await until(lambda: count(postgres, users_url, AT_WORK) == 2)
            service.process.terminate()
            assert await comes_true(lambda: count(postgres, users_url) == 2)
            lists += ask(1)
            assert await comes_true(lambda: count(postgres, users_url, AT_WORK) == 3)
        assert {answer.status_code for answer in await asyncio.gather(*lists)} == {200}
    assert await comes_true(lambda: count(postgres, users_url) == 0)
    assert service.process.poll() is None


async def test_who_waits_gets_the_connection_that_is_given_back(postgres: PostgresProcess, users_url: str) -> None:
    """While others wait for it, it is passed on; after the last of them it is closed."""
    async with connected(users_url, pool_size=1, **postgres_process.PATIENT) as database:
        async with locked_users(users_url):
            reads = [asyncio.create_task(database.read(PID)) for _ in range(3)]
            await until(lambda: database.primary.pool._gate.waiting == 2)
            database.drain()
        pids = {(await read).rows[0]["pid"] for read in reads}
        assert len(pids) == 1
        await until(lambda: count(postgres, users_url) == 0)
        assert (await database.read(PID)).rows[0]["pid"] not in pids
        await until(lambda: count(postgres, users_url) == 0)


async def test_what_no_request_asks_takes_no_connection(
    postgres: PostgresProcess, replica: PostgresProcess, users_url: str
) -> None:
    """Neither probes nor samples: of replicas nothing is known soon, and the primary answers instead."""
    await until(lambda: postgres.has_caught_up(replica))
    replica_url = replica.url(name_of(users_url))
    async with connected(users_url, replica_url) as database:
        assert database.replicas is not None
        required = database.replicas.required
        await until(lambda: required() is not None)
        database.drain()
        await until(lambda: required() is None)
        await until(lambda: count(postgres, users_url) == 0)
        await until(lambda: count(replica, replica_url) == 0)
        assert (await database.read(PID)).cacheable
        await until(lambda: count(postgres, users_url) == 0)


async def test_a_server_that_comes_back_meanwhile_is_used(postgres: PostgresProcess, database_url: str) -> None:
    """Where the breaker is open, the probe goes on: requests may still come."""
    async with connected(database_url) as database:
        postgres.kill()
        await until(lambda: not database.available)
        database.drain()
        postgres.start()
        await until(lambda: database.available)
        await until(lambda: count(postgres, database_url) == 0)


async def test_a_connection_that_comes_too_late_is_closed(postgres: PostgresProcess, database_url: str) -> None:
    """Begun for a request that has gone meanwhile, it is finished and not kept."""
    async with connected(database_url, probe_interval_seconds=60.0) as database:
        database.primary.pool.close_idle(0)
        await until(lambda: count(postgres, database_url) == 0)
        read = asyncio.create_task(database.read(Query("one", "SELECT 1")))
        await asyncio.sleep(0)
        assert database.primary.pool._opener.waiting == 1
        database.drain()
        read.cancel()
        await asyncio.wait([read])
        await until(lambda: database.primary.pool._opener._opening is None)
        await until(lambda: count(postgres, database_url) == 0)
        assert not database.primary.pool._idle
