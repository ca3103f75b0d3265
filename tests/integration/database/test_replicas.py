import asyncio
import time
from collections.abc import Iterator

import pytest

from service.database import Database, DatabaseUnavailableError, Query, Read
from service.database.pool import ConnectionPool
from service.database.replicas import Replica
from service.database.server import Server
from service.dev import free_port
from service.fleet.staleness import MAX_STALENESS_SECONDS, Freshness
from tests.integration.database.connected import connected
from tests.observe import sample, until
from tests.postgres_process import PostgresProcess, name_of
from tests.sabotage import patched, sabotage
from tests.tcp_proxy import TCPProxy

pytestmark = [pytest.mark.anyio, pytest.mark.integration]

READ = Query("read", "SELECT number FROM counter")
INCREMENT = Query("increment", "UPDATE counter SET number = number + 1 RETURNING number")
SLEEP = Query("sleep", "SELECT pg_sleep($1)")
# On a machine that is busy; what has to end in time is tested without.
PATIENT = {"wait_seconds": 10.0, "connect_timeout_seconds": 5.0, "operation_timeout_seconds": 20.0}
IN_RECOVERY = Query("in_recovery", "SELECT pg_is_in_recovery() AS is_replica")


@pytest.fixture
def counter_url(postgres: PostgresProcess, replica: PostgresProcess, database_url: str) -> Iterator[str]:
    """Make a counter at 0 on the primary that the replica knows of; afterwards the replica runs without delay."""
    postgres.sql("CREATE TABLE counter AS SELECT 0 AS number", name_of(database_url))
    wait_for(postgres, replica)
    yield database_url
    replica.resume()
    replica.start()
    replica.sql("SELECT pg_wal_replay_resume()")
    delay(replica, 0)
    postgres.resume()
    postgres.start()
    wait_for(postgres, replica)


def wait_for(postgres: PostgresProcess, replica: PostgresProcess) -> None:
    """Wait until the replica has all that there is."""
    deadline = time.monotonic() + 60
    while not postgres.has_caught_up(replica):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def delay(replica: PostgresProcess, milliseconds: int) -> None:
    """Have the replica replay each commit so long after it."""
    replica.sql(f"ALTER SYSTEM SET recovery_min_apply_delay = {milliseconds}")
    replica.sql("SELECT pg_reload_conf()")


def reads(target: str, age: str) -> float:
    """How many reads were answered so."""
    return sample("users_api_database_reads_total", target=target, age=age)


def shown(database: Database, target: str = "replica-0") -> dict[str, object]:
    """What /readyz?verbose says of a replica."""
    replicas = database.checks()["replicas"]
    assert isinstance(replicas, dict)
    found: dict[str, object] = replicas[target]
    return found


async def until_asked(database: Database) -> None:
    """Wait until a replica may be asked, and the primary has said what it must have."""
    assert database.replicas is not None
    found = database.replicas
    await until(lambda: found.required() is not None and bool(found.candidates()))


async def until_the_primary_says_nothing(database: Database) -> None:
    """Wait until it has not said for a second what a replica must have."""
    assert database.replicas is not None
    required = database.replicas.required
    await until(lambda: required() is None)


async def lose_the_primary(postgres: PostgresProcess, database: Database) -> None:
    """Kill it once replicas may be asked, and wait until it is known to be away."""
    await until_asked(database)
    postgres.kill()
    await until(lambda: not database.available)
    await until_the_primary_says_nothing(database)


async def read_from_replica(database: Database) -> Read:
    """What a replica says; the primary answers while its samples are late."""
    async with asyncio.timeout(20):
        while True:
            read = await database.read(IN_RECOVERY)
            if read.rows[0]["is_replica"]:
                return read


async def test_reads_come_from_a_replica(replica: PostgresProcess, counter_url: str) -> None:
    """Those that need not be fresh; the others, and writes, go to the primary. /readyz?verbose shows how far it is."""
    name = name_of(counter_url)
    async with connected(counter_url, replica.url(name), **PATIENT) as database:
        await until_asked(database)
        bounded, now = reads("replica-0", "bounded"), reads("primary", "now")
        assert (await read_from_replica(database)).cacheable
        assert reads("replica-0", "bounded") == bounded + 1
        assert (await database.read(IN_RECOVERY, freshness=Freshness.REQUIRED)).rows[0]["is_replica"] is False
        assert reads("primary", "now") > now
        assert database.has_replicas
        await until(lambda: shown(database)["staleness_seconds"] is not None)
        assert (shown(database)["available"], shown(database)["breaker"]) == (True, "closed")
        assert {task.name for task in database.background} == {
            *("database_primary_probe", "database_primary_position", "database_schema"),
            *("database_replica-0_probe", "database_replica-0_position"),
        }


async def test_reads_are_spread_over_replicas(replica: PostgresProcess, counter_url: str) -> None:
    """Each has a part of them."""
    url = replica.url(name_of(counter_url))
    async with connected(counter_url, url, url, **PATIENT) as database:
        await until_asked(database)
        before = [reads(f"replica-{number}", "bounded") for number in range(2)]
        async with asyncio.timeout(60):
            while not all(reads(f"replica-{number}", "bounded") > count for number, count in enumerate(before)):
                await asyncio.gather(*(database.read(READ) for _ in range(8)))


async def test_a_dead_replica_is_replaced_by_another(replica: PostgresProcess, counter_url: str) -> None:
    """One that never was there costs no read."""
    nobody = f"postgresql://postgres@127.0.0.1:{free_port()}/postgres"
    async with connected(counter_url, nobody, replica.url(name_of(counter_url)), **PATIENT) as database:
        await until_asked(database)
        await read_from_replica(database)
        assert shown(database) == {
            "available": False, "breaker": "open", "staleness_seconds": None,
        }  # fmt: skip


async def read_while_replica_dies(replica: PostgresProcess, url: str) -> tuple[int, int]:
    """Read at 200 a second while the replica is killed and started again; returns how many failed, of how many."""
    failed = total = 0
    async with connected(url, replica.url(name_of(url)), **PATIENT) as database:
        await until_asked(database)
        answered = reads("replica-0", "bounded")
        has_ended = asyncio.Event()
        pending: set[asyncio.Task[Read]] = set()

        def count(task: asyncio.Task[Read]) -> None:
            nonlocal failed
            pending.discard(task)
            failed += task.exception() is not None

        async def ask() -> None:
            nonlocal total
            while not has_ended.is_set():
                total += 1
                task = asyncio.create_task(database.read(READ))
                pending.add(task)
                task.add_done_callback(count)
                await asyncio.sleep(0.005)

        asking = asyncio.create_task(ask())
        await until(lambda: reads("replica-0", "bounded") > answered + 20)
        await asyncio.to_thread(replica.kill)
        await asyncio.sleep(1)
        await asyncio.to_thread(replica.start)
        answered = reads("replica-0", "bounded")
        await until(lambda: reads("replica-0", "bounded") > answered)
        has_ended.set()
        await asking
        while pending:
            await asyncio.wait(tuple(pending))
    return failed, total


async def ask_nobody(*_: object) -> Read:
    """Know no way back."""
    raise DatabaseUnavailableError("connection", "no way back")


@sabotage("no read goes back to the primary", patched((Database, "_read_without_replicas", ask_nobody)))
async def test_a_killed_replica_fails_no_read(replica: PostgresProcess, counter_url: str) -> None:
    """Reads go to the primary meanwhile, and to the replica again within ten seconds of its return."""
    failed, total = await read_while_replica_dies(replica, counter_url)
    assert failed == 0
    assert total > 100


async def test_a_frozen_replica_leaves_time_for_the_primary(replica: PostgresProcess, counter_url: str) -> None:
    """Who asked it gets the primary's answer within the same time limit, and soon nobody asks it."""
    async with connected(counter_url, replica.url(name_of(counter_url)), operation_timeout_seconds=3.0) as database:
        await until_asked(database)
        replica.freeze()
        outcomes = await asyncio.gather(*(database.read(IN_RECOVERY) for _ in range(8)))
        assert {read.rows[0]["is_replica"] for read in outcomes} == {False}
        await until(lambda: not shown(database)["available"])
        replica.resume()
        await until_asked(database)


async def stale_reads(url: str, replica_url: str, seconds: float) -> tuple[int, int]:
    """Write and read for a while; returns how many reads, and fresh reads, showed less than they had to."""
    async with connected(url, replica_url, **PATIENT) as database:
        await until(lambda: database.replicas is not None and database.replicas.required() is not None)
        written: list[tuple[float, int]] = [(0.0, 0)]
        ends = time.monotonic() + seconds

        async def write() -> None:
            while time.monotonic() < ends:
                (row,) = await database.write(INCREMENT)
                written.append((time.monotonic(), row["number"]))
                await asyncio.sleep(0.01)

        async def read(freshness: Freshness) -> int:
            stale = 0
            while time.monotonic() < ends:
                oldest_allowed = time.monotonic() - (MAX_STALENESS_SECONDS if freshness is Freshness.RECENT else 0)
                number = (await database.read(READ, freshness=freshness)).rows[0]["number"]
                stale += any(at < oldest_allowed and number < least for at, least in written)
                await asyncio.sleep(0.005)
            return stale

        writing = asyncio.create_task(write())
        asked = [Freshness.REQUIRED, *[Freshness.RECENT] * 3]
        stale_fresh, *stale = await asyncio.gather(*map(read, asked))
        await writing
    return sum(stale), stale_fresh


async def believe(*_: object) -> None:
    """Ask a connection for no proof."""


@sabotage(
    "replicas need not prove what they have",
    patched((Server, "_prove", believe), (Replica, "rest", lambda *_: None)),
)
async def test_no_read_is_older_than_the_bound(replica: PostgresProcess, counter_url: str) -> None:
    """Neither from a replica that is half a second behind, which answers, nor with one that is three, which rests."""
    url = replica.url(name_of(counter_url))
    delay(replica, 500)
    answered = reads("replica-0", "bounded")
    assert await stale_reads(counter_url, url, 4) == (0, 0)
    assert reads("replica-0", "bounded") > answered
    delay(replica, 3000)
    rests = sample("users_api_database_replica_rests_total", target="replica-0", reason="lag")
    assert await stale_reads(counter_url, url, 4) == (0, 0)
    assert sample("users_api_database_replica_rests_total", target="replica-0", reason="lag") > rests


async def test_a_connection_proves_its_position_itself(
    postgres: PostgresProcess, replica: PostgresProcess, counter_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where no sample has found out: behind one address there may be servers that the samples don't reach."""
    monkeypatch.setattr(Replica, "_sample", believe_sample)
    async with connected(counter_url, replica.url(name_of(counter_url)), **PATIENT) as database:
        await until_asked(database)
        await read_from_replica(database)
        replica.sql("SELECT pg_wal_replay_pause()")
        await database.write(INCREMENT)
        behind = postgres.sql("SELECT (pg_current_wal_lsn() - '0/0')::bigint")
        assert database.replicas is not None
        required = database.replicas.required
        await until(lambda: (required() or 0) >= int(behind))
        assert (await database.read(READ)).rows[0]["number"] == 1
        assert shown(database)["available"] is False


async def believe_sample(_: Replica) -> None:
    """Learn nothing."""


async def test_a_server_that_follows_nobody_is_no_replica(counter_url: str) -> None:
    """A primary under a replica's address answers nothing: it may be another one."""
    async with connected(counter_url, counter_url, **PATIENT) as database:
        await until(lambda: not shown(database)["available"])
        before = reads("primary", "now")
        await database.read(READ)
        assert reads("primary", "now") == before + 1


async def test_while_the_primary_is_away_replicas_answer(
    postgres: PostgresProcess, replica: PostgresProcess, counter_url: str
) -> None:
    """However old what they have is; nobody may keep it, and what must be fresh fails at once."""
    async with connected(counter_url, replica.url(name_of(counter_url))) as database:
        await lose_the_primary(postgres, database)
        for freshness in (Freshness.RECENT, Freshness.PREFERRED):
            unbounded = reads("replica-0", "unbounded")
            read = await database.read(READ, freshness=freshness)
            assert (read.rows[0]["number"], read.cacheable) == (0, False)
            assert reads("replica-0", "unbounded") > unbounded
        with pytest.raises(DatabaseUnavailableError, match="is open"):
            await database.read(READ, freshness=Freshness.REQUIRED)
        replica.kill()
        for _ in range(4):
            with pytest.raises(DatabaseUnavailableError):
                await database.read(READ)
        postgres.start()
        await until(lambda: database.available)
        assert (await database.read(READ)).cacheable


async def test_the_last_to_be_asked_has_all_the_time_that_is_left(
    postgres: PostgresProcess, replica: PostgresProcess, counter_url: str
) -> None:
    """Where the primary is known to be away, the only replica leaves none to another server."""
    async with connected(counter_url, replica.url(name_of(counter_url)), operation_timeout_seconds=4.0) as database:
        await lose_the_primary(postgres, database)
        assert not (await database.read(SLEEP, 2.5)).cacheable


async def test_a_frozen_primary_leaves_time_for_a_replica(
    postgres: PostgresProcess, replica: PostgresProcess, counter_url: str
) -> None:
    """From when it has said nothing for a second each read is answered, before the breaker has opened too."""
    async with connected(counter_url, replica.url(name_of(counter_url)), breaker_failures=1000) as database:
        await until_asked(database)
        postgres.freeze()
        await until_the_primary_says_nothing(database)
        read = await database.read(READ)
        assert (read.rows[0]["number"], read.cacheable) == (0, False)


async def test_a_frozen_primary_whose_connections_are_all_in_use_is_away(
    postgres: PostgresProcess, replica: PostgresProcess, counter_url: str
) -> None:
    """Who finds no place there, as others still wait for its answers, is answered by a replica."""
    options = {"breaker_failures": 1000, "pool_size": 1, "max_waiting": 1}  # which samples of the replica take too
    async with connected(counter_url, replica.url(name_of(counter_url)), **options) as database:
        await until_asked(database)
        postgres.freeze()
        await until_the_primary_says_nothing(database)
        deadline = asyncio.get_running_loop().time() + 3
        waiting = asyncio.ensure_future(database.primary.fetch(READ, (), deadline, ahead=True))
        await until(lambda: waiting.done() or database.primary.pool.in_use > 0)
        read = await database.read(READ)
        assert (read.rows[0]["number"], read.cacheable) == (0, False)
        with pytest.raises(DatabaseUnavailableError):
            await waiting


async def test_an_overload_is_no_outage(replica: PostgresProcess, counter_url: str) -> None:
    """Reads that find no place are refused, and not led on to a server that has none to give either."""
    name = name_of(counter_url)
    options = {**PATIENT, "pool_size": 1, "max_waiting": 0, "probe_interval_seconds": 60.0}
    async with connected(counter_url, replica.url(name), **options) as database:
        await until_asked(database)
        assert database.replicas is not None
        (found,) = database.replicas.candidates()
        for server in (found.server, database.primary):
            asked_at = asyncio.get_running_loop().time()
            slow = asyncio.ensure_future(server.fetch(SLEEP, (3,), asked_at + 20, ahead=True))
            await until(lambda: sleeps(server))  # noqa: B023 - waited for
            with pytest.raises(DatabaseUnavailableError) as refused:
                await database.read(READ)
            assert refused.value.reason == "busy"
            await slow
            found.rest("failure")
            found._rests_until += 60


def sleeps(server: Server) -> bool:
    """Whether the statement is under way: samples wait for it."""
    return server.pool.in_use == 1 and sample("users_api_database_pool_waiting", target=server.target) == 1


async def write_through_a_promotion(place: PostgresProcess, name: str) -> bool:
    """Promote a replica behind a primary's address, with the connections to the old one left; whether writes go on."""
    new = place.replica(name=f"new-{name}")
    new.start()
    try:
        wait_for(place, new)
        async with TCPProxy(place.port) as proxy:
            url = f"postgresql://postgres@127.0.0.1:{proxy.port}/{name}"
            async with connected(url, pool_size=4) as database:
                await asyncio.gather(*(database.read(SLEEP, 0.05) for _ in range(4)))
                await database.write(INCREMENT)
                await asyncio.to_thread(new.promote)
                place.sql("ALTER SYSTEM SET default_transaction_read_only = on")
                place.sql("SELECT pg_reload_conf()")
                proxy._target_port = new.port
                written = 0
                try:
                    async with asyncio.timeout(20):
                        while written < 10:
                            try:
                                await database.write(INCREMENT)
                            except DatabaseUnavailableError:
                                await asyncio.sleep(0.05)
                            else:
                                written += 1
                except TimeoutError:
                    return False
                return True
    finally:
        new.kill()
        place.sql("ALTER SYSTEM RESET default_transaction_read_only")
        place.sql("SELECT pg_reload_conf()")


@sabotage("a read-only server's connections do not expire", patched((ConnectionPool, "expire", lambda _: None)))
async def test_writes_follow_a_promotion(postgres: PostgresProcess, counter_url: str) -> None:
    """The old primary stays, read-only, with its connections: they are given up, and writes go on without a restart."""
    assert await write_through_a_promotion(postgres, name_of(counter_url))


async def test_of_several_hosts_a_silent_one_costs_its_share(postgres: PostgresProcess, counter_url: str) -> None:
    """The next is tried in time, and is the first one from then on."""
    silent = postgres.replica(name="silent")
    silent.start()
    try:
        silent.freeze()
        url = f"postgresql://postgres@127.0.0.1:{silent.port},127.0.0.1:{postgres.port}/{name_of(counter_url)}"
        async with connected(url) as database:
            await until(lambda: database.available)
            assert (await database.read(READ)).rows[0]["number"] == 0
            assert str(postgres.port) in database.primary.pool._log_in._hosts[0]["dsn"]
    finally:
        silent.resume()
        silent.kill()
