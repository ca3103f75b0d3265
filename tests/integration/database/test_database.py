import asyncio
import contextlib
import logging
import os
import signal
from collections.abc import Awaitable

import asyncpg
import pytest

from service.database import Database, DatabaseConfig, DatabaseUnavailableError, Query, Read, login, pool, server
from service.database.errors import OPENS_BREAKER
from service.database.login import Connection
from service.database.opener import Opener
from service.database.pool import ConnectionPool
from service.dev import free_port
from tests.integration.database.connected import connected
from tests.observe import recording, sample, until
from tests.postgres_process import PostgresProcess, name_of
from tests.sabotage import patched, sabotage
from tests.tcp_proxy import TCPProxy

pytestmark = [pytest.mark.anyio, pytest.mark.integration]

ONE = Query("one", "SELECT 1 AS one")
SLEEP = Query("sleep", "SELECT pg_sleep($1)")
PID = Query("pid", "SELECT pg_backend_pid() AS pid")
SLEEPING = "SELECT pid FROM pg_stat_activity WHERE query = 'SELECT pg_sleep($1)'"
ADD = Query("add", "INSERT INTO numbers VALUES ($1)")
COUNT = Query("count", "SELECT count(*) AS count FROM numbers")
FAILURES = "users_api_database_failures_total"
OF_FEW = "SELECT count(*) FROM pg_stat_activity WHERE usename LIKE 'few_%'"


async def test_reads_and_writes(postgres: PostgresProcess, database_url: str) -> None:
    """Rows come back, writes stay, and what the server says against a statement is raised as it is."""
    postgres.sql("CREATE TABLE numbers (number int PRIMARY KEY)", name_of(database_url))
    async with connected(database_url) as database:
        assert database.checks() == {"available": True, "breaker": "closed"}
        await database.write(ADD, 1)
        with pytest.raises(asyncpg.UniqueViolationError):
            await database.write(ADD, 1)
        with pytest.raises(asyncpg.DataError, match="invalid input"):
            await database.write(ADD, "one")
        read = await database.read(COUNT)
    assert (read.rows[0]["count"], read.cacheable) == (1, True)
    assert sample("users_api_database_query_seconds_count", query="add", target="primary") >= 2


async def test_without_a_server_it_starts_degraded() -> None:
    """Nothing raises at the start; statements fail at once and say why."""
    async with connected(f"postgresql://postgres@127.0.0.1:{free_port()}/postgres") as database:
        assert database.checks() == {"available": False, "breaker": "open"}
        with pytest.raises(DatabaseUnavailableError, match="is open") as error:
            await database.read(ONE)
    assert error.value.reason == "breaker"


async def test_close_without_start() -> None:
    """A database that never started can be closed."""
    await Database(DatabaseConfig("postgresql://127.0.0.1:1/x")).aclose()


async def test_connections_are_kept_and_bounded(postgres: PostgresProcess, database_url: str) -> None:
    """A hundred statements at once share the pool's connections, which stay for the next ones until idle for long."""
    name = name_of(database_url)
    async with connected(database_url, pool_size=3, wait_seconds=30.0, operation_timeout_seconds=30.0) as database:
        await asyncio.gather(*(database.read(SLEEP, 0.001) for _ in range(100)))
        assert postgres.backends(name) == 3
        await until(lambda: sample("users_api_database_pool_idle", target="primary") == 3)
        database.primary.pool.close_idle(0)
        await until(lambda: postgres.backends(name) <= 1)  # one may be the probe's
    await until(lambda: postgres.backends(name) == 0)


async def test_an_overload_is_shed(database_url: str) -> None:
    """Of more statements than places, some wait for a while, and the others are told at once that they are too many."""
    before = {refusal: sample("users_api_database_shed_total", target="primary", refusal=refusal)
              for refusal in ("full", "waited")}  # fmt: skip
    waits = sample("users_api_database_wait_seconds_count", target="primary")
    async with connected(database_url, pool_size=1, max_waiting=2, wait_seconds=0.05) as database:
        outcomes = await asyncio.gather(*(database.read(SLEEP, 0.3) for _ in range(5)), return_exceptions=True)
        assert await database.read(ONE)
    refused = [outcome for outcome in outcomes if isinstance(outcome, DatabaseUnavailableError)]
    assert [error.reason for error in refused] == ["busy"] * 4
    for refusal, count in before.items():
        assert sample("users_api_database_shed_total", target="primary", refusal=refusal) == count + 2
    assert sample("users_api_database_wait_seconds_count", target="primary") == waits + 2


async def test_a_statement_ends_in_time(postgres: PostgresProcess, database_url: str) -> None:
    """One that takes too long is cancelled on the server too, and its connection goes on to serve."""
    async with connected(database_url, pool_size=1, operation_timeout_seconds=1.0) as database:
        pid = (await database.read(PID)).rows[0]["pid"]
        labels = {"target": "primary", "query": SLEEP.name, "reason": "timeout"}
        failures = sample("users_api_database_failures_total", **labels)
        with pytest.raises(DatabaseUnavailableError) as error:
            await database.read(SLEEP, 30)
        assert error.value.reason == "timeout"
        assert sample("users_api_database_failures_total", **labels) == failures + 1
        await until(lambda: database.primary.pool.in_use == 0)
        assert (await database.read(PID)).rows[0]["pid"] == pid
    assert postgres.sql("SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%'") == "0"


def cancel_nothing(_: Connection, sent: "asyncio.Future[None]", __: object = None) -> None:
    """Say that the server was told to cancel a statement, and leave it alone."""
    sent.set_result(None)


@sabotage(
    "a statement is not cancelled on the server",
    patched((Connection, "_cancel_current_command", cancel_nothing)),
)
async def test_cancelled_requests_leave_nothing_in_use(postgres: PostgresProcess, database_url: str) -> None:
    """Two thousand callers who go away mid-statement or while they wait leave an empty pool and an idle server."""
    patient = {"wait_seconds": 30.0, "operation_timeout_seconds": 10.0}
    async with connected(database_url, pool_size=8, max_waiting=2000, **patient) as database:
        tasks = [asyncio.create_task(database.read(SLEEP, 300)) for _ in range(2000)]
        await until(lambda: database.primary.pool.in_use == 8)
        await asyncio.sleep(0.1)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        await until(lambda: database.primary.pool.in_use == 0)
        await until(lambda: sample("users_api_database_pool_waiting", target="primary") == 0)
        await until(lambda: database.available)
        assert await database.read(ONE)
    assert postgres.sql("SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%'") == "0"


@sabotage("statements have no time limit", patched((server, "_remaining_seconds", lambda _: 3600.0)))
async def test_a_frozen_server(postgres: PostgresProcess, database_url: str) -> None:
    """Every call ends in less than a second, then at once; after its return statements go through again."""
    async with connected(database_url) as database:
        await asyncio.gather(*(database.read(SLEEP, 0.01) for _ in range(8)))
        postgres.freeze()
        statements = [asyncio.create_task(database.read(ONE)) for _ in range(50)]
        _, held_up = await asyncio.wait(statements, timeout=20)
        for statement in held_up:
            statement.cancel()
        assert not held_up
        assert {type(statement.exception()) for statement in statements} == {DatabaseUnavailableError}
        await until(lambda: not database.available)
        await until(lambda: database.primary.pool.in_use == 0)
        postgres.resume()
        await until(lambda: database.available)
        assert await database.read(ONE)


async def test_a_connection_that_cannot_be_cancelled_is_closed(postgres: PostgresProcess, database_url: str) -> None:
    """Where the cancellation is not acknowledged either, the place comes free all the same."""
    async with connected(database_url, pool_size=1, breaker_failures=1000, probe_interval_seconds=60.0) as database:
        await database.read(ONE)
        postgres.freeze()
        statement = asyncio.create_task(database.read(ONE))
        await asyncio.sleep(0)  # it is on its way to the server then
        statement.cancel()
        await asyncio.wait([statement])
        assert statement.cancelled()
        assert database.primary.pool.in_use == 1
        await until(lambda: database.primary.pool.in_use == 0)


def _lose_all(self: server.Server, connection: Connection, error: Exception) -> None:
    """As if the server were gone."""
    self.pool.lose(connection)
    self._count("connection", error)


@sabotage("one that is silent costs all connections", patched((server.Server, "_on_silence", _lose_all)))
async def test_one_silent_connection_costs_no_other(postgres: PostgresProcess, database_url: str) -> None:
    """A server that answers on others is busy and not gone: to log in anew on all would make it busier."""
    limits = {"operation_timeout_seconds": 2.0, "breaker_failures": 1000, "probe_interval_seconds": 10.0}
    async with connected(database_url, **limits) as database:
        statement = asyncio.create_task(database.read(SLEEP, 30))
        await until(lambda: postgres.sql(SLEEPING) != "")
        silent = int(postgres.sql(SLEEPING))
        other = (await database.read(PID)).rows[0]["pid"]
        os.kill(silent, signal.SIGSTOP)
        try:
            while database.primary.pool.in_use:
                await database.read(ONE)
                await asyncio.sleep(0.01)
            await database.read(ONE)
        finally:
            os.kill(silent, signal.SIGCONT)
        assert isinstance((await asyncio.gather(statement, return_exceptions=True))[0], DatabaseUnavailableError)
        assert postgres.sql(f"SELECT count(*) FROM pg_stat_activity WHERE pid = {other}") == "1"  # noqa: S608


@sabotage(
    "nobody has patience with a server that is away", patched((pool, "PATIENCE_SECONDS", 0.5)), raises=TimeoutError
)
async def test_a_busy_server_comes_back(postgres: PostgresProcess, database_url: str) -> None:
    """A log-in that takes longer than requests wait for it is not begun anew each time, and so comes to its end."""
    async with TCPProxy(postgres.port) as proxy:
        url = database_url.replace(f":{postgres.port}/", f":{proxy.port}/")
        async with connected(url, breaker_failures=1) as database:
            await database.read(ONE)
            proxy.delay_seconds = 0.6
            proxy.drop()
            with pytest.raises(DatabaseUnavailableError):
                await database.read(ONE)
            assert not database.available
            await until(lambda: database.available)


async def test_closing_waits_for_no_silent_server(postgres: PostgresProcess, database_url: str) -> None:
    """Connections in use are closed when they come back, those of a frozen server without its goodbye."""
    async with connected(database_url, pool_size=2) as database:
        statement = asyncio.create_task(database.read(SLEEP, 0.3))
        await until(lambda: database.primary.pool.in_use == 1)
        await asyncio.sleep(0.1)
        await database.aclose()
        assert await statement
        await database.aclose()
    await until(lambda: postgres.backends(name_of(database_url)) == 0)
    async with connected(database_url) as database:
        postgres.freeze()
        async with asyncio.timeout(10):
            await database.aclose()


def _fail_all(opener: Opener[Connection], error: Exception) -> None:
    """As if there were no others."""
    while opener._line.hand(error):
        pass


@sabotage("who waits beside others is failed by a refusal", patched((Opener, "_fail", _fail_all)))
async def test_those_who_find_no_room_share_what_there_is(postgres: PostgresProcess, database_url: str) -> None:
    """A server that gives no further connection fails nobody: who waits gets those that are given back."""
    url = _few(postgres, database_url)
    async with connected(url) as database:
        before = sample(FAILURES, target="primary", query="connect", reason="full")
        reads = [database.read(SLEEP, 0.02) for _ in range(8)]
        outcomes = await asyncio.gather(*reads, return_exceptions=True)
        assert [outcome for outcome in outcomes if isinstance(outcome, Exception)] == []
        assert sample(FAILURES, target="primary", query="connect", reason="full") == before + 1
        assert database.available


@sabotage(
    "a connection refused for want of room counts as an outage",
    patched((server, "OPENS_BREAKER", OPENS_BREAKER | {"full"})),
)
async def test_a_server_full_of_connections(postgres: PostgresProcess, database_url: str) -> None:
    """Who has none and gets none is refused, and the breaker stays closed: the server lives. Who starts then waits."""
    url = _few(postgres, database_url)
    async with connected(url, probe_interval_seconds=10.0) as database:
        async with connected(url) as other:
            assert other.checks() == {"available": False, "breaker": "open"}
        database.primary.pool.close_idle(0)
        await until(lambda: postgres.sql(OF_FEW) == "0")
        async with connected(url):
            for _ in range(3):
                with pytest.raises(DatabaseUnavailableError, match="full"):
                    await database.read(ONE)
                assert database.available


async def test_a_url_that_can_not_be_meant_is_no_outage() -> None:
    """What the driver can't read is raised as it is, at the start."""
    with pytest.raises(ValueError, match="invalid literal"):
        await Database(DatabaseConfig("postgresql://127.0.0.1:x/y")).start()


async def test_a_killed_server(postgres: PostgresProcess, database_url: str) -> None:
    """Killed: statements fail at once, the breaker opens, and closes soon after its return."""
    async with connected(database_url) as database:
        postgres.kill()
        for _ in range(4):
            with pytest.raises(DatabaseUnavailableError):
                await database.read(ONE)
        assert not database.available
        postgres.start()
        await until(lambda: database.available)
        assert await database.read(ONE)


async def test_a_restart_between_statements_is_not_noticed(postgres: PostgresProcess, database_url: str) -> None:
    """Connections that the server has closed are known to be closed: the next statement makes a new one."""
    async with connected(database_url, probe_interval_seconds=60.0) as database:
        await database.read(ONE)
        postgres.stop()
        postgres.start()
        await asyncio.sleep(0.1)
        retries = sample("users_api_database_retries_total", query="one")
        assert await database.read(ONE)
        assert sample("users_api_database_retries_total", query="one") == retries


async def test_lost_connections_are_retried_where_that_is_safe(postgres: PostgresProcess, database_url: str) -> None:
    """A read survives the loss of its connection, and a write that may be repeated; another write is reported."""
    name = name_of(database_url)
    postgres.sql("CREATE TABLE numbers (number int)", name)
    async with TCPProxy(postgres.port) as proxy:
        url = f"postgresql://postgres@127.0.0.1:{proxy.port}/{name}"
        async with connected(url, pool_size=1, probe_interval_seconds=60.0) as database:

            async def lose_while(work: Awaitable[object]) -> object:
                postgres.freeze()
                pending = asyncio.ensure_future(work)
                await asyncio.sleep(0.05)
                proxy.drop()
                postgres.resume()
                return (await asyncio.gather(pending, return_exceptions=True))[0]

            assert isinstance(await lose_while(database.read(ONE)), Read)
            assert await lose_while(database.write(ADD, 1, is_repeatable=True)) == []
            lost = await lose_while(database.write(ADD, 2))
            assert isinstance(lost, DatabaseUnavailableError)
            assert lost.may_have_happened


async def test_a_write_that_was_not_sent_is_tried_again(postgres: PostgresProcess, database_url: str) -> None:
    """Where the connection could not even be made, nothing can have happened."""
    name = name_of(database_url)
    postgres.sql("CREATE TABLE numbers (number int)", name)
    async with connected(database_url, probe_interval_seconds=60.0) as database:
        retries = sample("users_api_database_retries_total", query="add")
        database.primary.pool.expire()
        postgres.kill()
        with pytest.raises(DatabaseUnavailableError) as error:
            await database.write(ADD, 1)
        assert not error.value.may_have_happened
        assert sample("users_api_database_retries_total", query="add") == retries + 1


async def test_a_server_that_became_read_only_loses_its_connections(
    postgres: PostgresProcess, database_url: str
) -> None:
    """25006 expires every connection at once, and the write goes through a new one."""
    name = name_of(database_url)
    postgres.sql("CREATE TABLE numbers (number int)", name)
    async with connected(database_url, pool_size=4) as database:
        postgres.sql(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
        database.primary.pool.expire()
        await asyncio.gather(*(database.read(SLEEP, 0.05) for _ in range(4)))
        postgres.sql(f"SET default_transaction_read_only = off; ALTER DATABASE {name} RESET ALL")
        await database.write(ADD, 1)
        assert (await database.read(COUNT)).rows[0]["count"] == 1
        await until(lambda: 0 < sample("users_api_database_pool_idle", target="primary") <= 2)


@sabotage(
    "each failure expires all connections, whenever it was that its own was opened",
    patched(
        (ConnectionPool, "lose", lambda pool, _: pool.expire()),
        (server.Server, "_is_of_one_connection", lambda _server, _error: False),
    ),
    raises=TimeoutError,
)
async def test_a_straggler_expires_nothing_new(postgres: PostgresProcess, database_url: str) -> None:
    """Connections that were opened after a failover outlive the statements of before it that end one by one."""
    async with connected(database_url, operation_timeout_seconds=30.0) as database:
        writes = [asyncio.create_task(database.write(SLEEP, 20)) for _ in range(2)]
        await until(lambda: len(postgres.sql(SLEEPING).split()) == 2)
        first, second = postgres.sql(SLEEPING).split()
        postgres.sql(f"SELECT pg_terminate_backend({first})")
        await asyncio.wait(writes, return_when=asyncio.FIRST_COMPLETED)
        opened = (await database.read(PID)).rows[0]["pid"]
        postgres.sql(f"SELECT pg_terminate_backend({second})")
        await asyncio.wait(writes)
        idle = database.primary.pool._idle
        await until(lambda: opened in {connection.get_server_pid() for connection in idle})
        for write in writes:
            assert isinstance(write.exception(), DatabaseUnavailableError)


@sabotage(
    "a lost connection takes the others with it",
    patched((server.Server, "_is_of_one_connection", lambda _server, _error: False)),
)
async def test_connections_that_are_lost_cost_no_other(postgres: PostgresProcess, database_url: str) -> None:
    """One of two PgBouncers takes its own with it: those by the other go on, and nothing is refused."""
    async with connected(database_url, probe_interval_seconds=60.0, operation_timeout_seconds=30.0) as database:
        writes = [asyncio.create_task(database.write(SLEEP, 20)) for _ in range(4)]
        await until(lambda: len(postgres.sql(SLEEPING).split()) == 4)
        kept, *others = postgres.sql(SLEEPING).split()
        await database.read(ONE)
        postgres.sql(f"SELECT pg_terminate_backend(pid) FROM unnest(ARRAY[{','.join(others)}]) AS pid")  # noqa: S608 - numbers
        await until(lambda: sum(write.done() for write in writes) == len(others))
        assert database.available
        postgres.sql(f"SELECT pg_cancel_backend({kept})")
        await asyncio.wait(writes)
        idle = database.primary.pool._idle
        await until(lambda: int(kept) in {connection.get_server_pid() for connection in idle})
        assert {type(write.exception()) for write in writes} == {DatabaseUnavailableError}


@sabotage("who is refused gives up", patched((login, "TRIES_WHEN_REFUSED", 1)), raises=ConnectionRefusedError)
async def test_who_is_refused_asks_again(postgres: PostgresProcess, database_url: str) -> None:
    """A connection that one server's end refuses is tried again at once: there may be another behind the address."""
    proxy = TCPProxy(postgres.port, port=free_port())

    async def listen_late() -> None:
        await asyncio.sleep(1.5 * login.PAUSE_SECONDS)
        await proxy.__aenter__()

    config = DatabaseConfig(url=database_url.replace(f":{postgres.port}", f":{proxy.port}"))
    late = asyncio.create_task(listen_late())
    try:
        connection = await login.Login(config, login.PRIMARY)(30.0)
        assert await connection.fetchval("SELECT 1") == 1
        await connection.close()
    finally:
        await late
        await proxy.__aexit__()


async def test_a_log_in_that_fails_counts_once(postgres: PostgresProcess, database_url: str) -> None:
    """However many wait for it: one that was lost opens no breaker."""
    async with connected(database_url, probe_interval_seconds=60.0) as database:
        database.primary.pool.close_idle(0)
        postgres.kill()
        reads = [database.read(ONE) for _ in range(8)]
        outcomes = await asyncio.gather(*reads, return_exceptions=True)  # each has tried twice
        assert {getattr(outcome, "reason", None) for outcome in outcomes} == {"connection"}
        assert database.available
        with pytest.raises(DatabaseUnavailableError):
            await database.read(ONE)
        assert not database.available


async def test_a_standby_is_no_primary(postgres: PostgresProcess) -> None:
    """A server that only follows is not written to, and counts as away until it is promoted."""
    standby = postgres.replica()
    standby.start()
    try:
        async with connected(standby.url()) as database:
            assert not database.available
            standby.promote()
            await until(lambda: database.available)
            assert await database.read(ONE)
    finally:
        standby.kill()


async def test_a_missing_schema_is_said(database_url: str, caplog: pytest.LogCaptureFixture) -> None:
    """A database without our tables is no failed server: it is told what to run, and the breaker stays closed."""
    async with connected(database_url, breaker_failures=1) as database:
        with pytest.raises(DatabaseUnavailableError) as error:
            await database.read(COUNT)
        assert error.value.reason == "schema"
        assert database.available
    assert "python -m service.migrate" in caplog.text


async def test_slow_queries_are_logged_without_values(database_url: str, caplog: pytest.LogCaptureFixture) -> None:
    """Name, server and time: neither arguments nor rows, which are users' data."""
    with caplog.at_level(logging.WARNING):
        async with connected(database_url, slow_query_seconds=0.01) as database:
            await database.read(Query("slow", "SELECT pg_sleep(0.05), $1::text"), "secret")
    record = next(record for record in caplog.records if record.getMessage() == "slow query slow")
    assert {"query": "slow", "target": "primary"}.items() <= vars(record).items()
    assert vars(record)["duration_seconds"] >= 0.05
    assert "secret" not in str(vars(record))


async def test_recorded_requests_have_a_span_for_each_statement(database_url: str) -> None:
    """With its text, which has no values; a request that is not recorded makes none."""
    tracer, exporter = recording()
    database = Database(DatabaseConfig(database_url), tracer)
    await database.start()
    await database.read(ONE)
    with tracer.start_as_current_span("request"):
        await database.read(ONE)
    await database.aclose()
    statement, request = exporter.get_finished_spans()
    assert (statement.name, request.name) == ("one", "request")
    assert statement.attributes is not None
    assert statement.attributes["db.query.text"] == ONE.sql
    assert statement.parent is not None
    assert statement.parent.span_id == request.context.span_id


async def be_silent(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Take a connection and say nothing, for as long as it lasts."""
    with contextlib.closing(writer):
        await _reader.read()


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        ({"connect_timeout_seconds": 0.05, "operation_timeout_seconds": 30.0}, "connection"),
        ({"connect_timeout_seconds": 30.0, "operation_timeout_seconds": 0.05}, "timeout"),
    ],
)
async def test_a_connection_that_takes_too_long(limits: dict[str, float], reason: str) -> None:
    """One that had all its time speaks against the server; one that had only what was left of it does not."""
    listener = await asyncio.start_server(be_silent, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    database = Database(DatabaseConfig(f"postgresql://postgres@127.0.0.1:{port}/x", **limits))  # type: ignore[arg-type]
    with pytest.raises(DatabaseUnavailableError) as error:
        await database.read(ONE)
    assert error.value.reason == reason
    await database.aclose()
    listener.close()


def _few(postgres: PostgresProcess, database_url: str) -> str:
    """The URL of a role that gets one connection."""
    name = name_of(database_url)
    postgres.sql(f"CREATE ROLE few_{name} LOGIN CONNECTION LIMIT 1")
    return postgres.url(name, f"few_{name}")
