import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from pathlib import Path

import asyncpg
import pytest

from tests.api import TOKEN
from tests.integration.users import without_time_limit
from tests.observe import until
from tests.postgres_process import HURRIED, PATIENT, PostgresProcess, as_settings, name_of
from tests.sabotage import patched, sabotage
from tests.service_process import ServiceProcess

pytestmark = [pytest.mark.anyio, pytest.mark.integration]

CLIENTS = 2000
AT_ONCE = 200
WAITING_FOR_A_LOCK = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
IN_USE = re.compile(r'^users_api_database_pool_(?:in_use|waiting){target="primary"} (\S+)$', re.MULTILINE)
REQUEST = b"GET /api/users HTTP/1.1\r\nhost: x\r\nauthorization: %s\r\n\r\n" % TOKEN["authorization"].encode()
ADA = b'{"name": "Ada Lovelace", "email": "ada@example.com"}'
CREATION = (
    REQUEST.replace(b"GET", b"POST").replace(
        b"host: x", b"host: x\r\ncontent-type: application/json\r\ncontent-length: %d" % len(ADA)
    )
    + ADA
)


def settings_of(users_url: str, limits: Mapping[str, float]) -> dict[str, object]:
    """The service's, on the database alone."""
    return {"database_url": users_url, "redis_url": "", "rate_limit_enabled": False, **as_settings(limits)}


@pytest.fixture
def service(users_url: str, tmp_path: Path) -> Iterator[ServiceProcess]:
    """Start the service on the database."""
    with ServiceProcess(tmp_path / "service.log", **settings_of(users_url, HURRIED)) as process:
        yield process


@pytest.fixture
async def lock(users_url: str) -> "AsyncIterator[asyncpg.Connection[asyncpg.Record]]":
    """Lock the users, so that each statement on them takes as long as it may; the lock ends with the connection."""
    connection = await asyncpg.connect(users_url)
    await connection.execute("BEGIN")
    await connection.execute("LOCK users")
    yield connection
    await connection.close()


async def comes_to_use(service: ServiceProcess, as_wanted: Callable[[float], bool]) -> bool:
    """Wait until so many connections are in use, or waited for; whether that came to be."""
    deadline = asyncio.get_running_loop().time() + 20
    while asyncio.get_running_loop().time() < deadline:
        metrics = (await asyncio.to_thread(service.get, "/metrics"))[2].decode()
        if as_wanted(sum(float(number) for number in IN_USE.findall(metrics))):
            return True
        await asyncio.sleep(0.05)
    return False


async def ask(service: ServiceProcess, request: bytes = REQUEST) -> asyncio.StreamWriter:
    """Send a request that needs the database; nobody reads the answer."""
    _, writer = await asyncio.open_connection("127.0.0.1", service.port)
    writer.write(request)
    await writer.drain()
    return writer


@sabotage("a statement takes as long as it takes", patched((ServiceProcess, "module", without_time_limit.__name__)))
async def test_clients_that_vanish_leave_nothing_in_use(
    postgres: PostgresProcess, service: ServiceProcess, lock: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    """Two thousand clients who are gone before the answer leave an empty pool, and no statement on the server."""
    for _ in range(CLIENTS // AT_ONCE):
        writers = await asyncio.gather(*(ask(service) for _ in range(AT_ONCE)))
        is_used = await comes_to_use(service, lambda number: number > 0)
        for writer in writers:
            writer.transport.abort()
        if not is_used:
            raise RuntimeError("no request has come to the database")
    assert await comes_to_use(service, lambda number: number == 0)
    await until(lambda: postgres.sql(WAITING_FOR_A_LOCK) == "0")
    await lock.execute("COMMIT")
    assert (await asyncio.to_thread(service.get, "/api/users", **TOKEN))[0] == 200


async def test_what_a_client_who_vanishes_has_asked_for_is_written(
    postgres: PostgresProcess, users_url: str, lock: "asyncpg.Connection[asyncpg.Record]", tmp_path: Path
) -> None:
    """A write under way goes on to its end, and is not cancelled midway, though nobody waits for its answer."""
    with ServiceProcess(tmp_path / "service.log", **settings_of(users_url, PATIENT)) as service:
        writer = await ask(service, CREATION)
        await until(lambda: postgres.sql(WAITING_FOR_A_LOCK) == "1")
        writer.transport.abort()
        for _ in range(2):  # by then the process has heard of it
            assert (await asyncio.to_thread(service.get, "/livez"))[0] == 200
        await lock.execute("COMMIT")
        await until(lambda: postgres.sql("SELECT count(*) FROM users", name_of(users_url)) == "1")
