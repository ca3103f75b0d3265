import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest

from loadtests.explain import QUERIES, arguments
from service.database import Database, DatabaseConfig, DatabaseUnavailableError, Query
from service.fleet.idempotency import ConflictingKeyError, IdempotencyKey, IdempotencyStore, InProgressError
from service.fleet.redis_client import NoRedis
from service.fleet.staleness import Freshness
from service.seed import seed
from service.users import postgres as module
from service.users import queries
from service.users.example import example_user
from service.users.in_process import SeededUserRepository
from service.users.postgres import LOOKED_UP_AT_ONCE, PostgresUserRepository
from service.users.repository import EmailTakenError, Stored, UserRepository
from service.users.schemas import User, UserCreate, UserUpdate
from tests.observe import recording, sample, until
from tests.postgres_process import PATIENT, PostgresProcess, name_of
from tests.sabotage import sabotage

pytestmark = [pytest.mark.anyio, pytest.mark.integration]

ADA = UserCreate(name="Ada Lovelace", email="ada@example.com")
PLANNED = Query("planned", "SELECT generic_plans FROM pg_prepared_statements WHERE statement LIKE '%ANY%'")
COUNTESS = UserCreate(name="Ada King", email="countess@example.com")


def key(text: str = "k", *, content: bytes = b"{}") -> IdempotencyKey:
    """A key of one client."""
    return IdempotencyKey("alice", text, content)


@asynccontextmanager
async def stored_in(url: str, *, key_seconds: float = 60) -> AsyncIterator[PostgresUserRepository]:
    """The repository on a database with a schema."""
    database = Database(DatabaseConfig(url, **PATIENT))  # type: ignore[arg-type]
    await database.start()
    try:
        yield PostgresUserRepository(database, key_seconds=key_seconds)
    finally:
        await database.aclose()


@pytest.fixture(params=["in-process", "postgresql"])
async def repository(request: pytest.FixtureRequest) -> AsyncIterator[UserRepository]:
    """Five users, in each of the places where they may be kept."""
    if request.param == "in-process":
        yield SeededUserRepository(5, IdempotencyStore(NoRedis(), ttl_seconds=60))
        return
    url = request.getfixturevalue("users_url")
    await seed(DatabaseConfig(url), 5)
    async with stored_in(url) as repository:
        yield repository


async def read(repository: UserRepository, user_id: int) -> User:
    """The user that is there."""
    found = await repository.get(user_id)
    assert found.user is not None
    assert found.cacheable
    return found.user


async def test_the_first_users_are_the_same_everywhere(repository: UserRepository) -> None:
    """They are those that the id alone makes, and valid."""
    users = await repository.page(0, 10)
    assert users == [example_user(user_id) for user_id in range(1, 6)]
    assert [User.model_validate(user.model_dump()) for user in users] == users


async def test_of_many_each_gets_their_own(repository: UserRepository) -> None:
    """Those asked for at once, twice or in vain too, are those that are there."""
    ids = [3, 1, 99, 3, 5, *range(1000, 1200)]
    for freshness in Freshness:
        found = await asyncio.gather(*(repository.get(user_id, freshness) for user_id in ids))
        there = [None if one.user is None else (one.user.id, one.version > 0, one.cacheable) for one in found]
        assert there == [(3, True, True), (1, True, True), None, (3, True, True), (5, True, True), *[None] * 200]


async def test_pages_start_behind_a_position(repository: UserRepository) -> None:
    """Ids above the position, in order, up to the limit; deleted ones leave no gap in the count."""
    await repository.delete(3)
    assert [user.id for user in await repository.page(1, 2)] == [2, 4]
    assert await repository.page(5, 2) == []


async def test_a_created_user_can_be_read(repository: UserRepository) -> None:
    """It gets the next id, and what is read is what was created."""
    created = await repository.create(ADA)
    assert created.user.id == 6
    found = await repository.get(6)
    assert (found.user, found.version) == (created.user, created.version)


async def test_ids_are_not_used_again(repository: UserRepository) -> None:
    """A new user never gets the id, and with it the cached answers, of a deleted one."""
    await repository.delete(5)
    assert (await repository.create(ADA)).user.id == 6


async def test_an_address_belongs_to_one_user(repository: UserRepository) -> None:
    """Neither a new user nor a changed one can take another's address, in whatever case; one's own is no conflict."""
    created = await repository.create(ADA)
    shouted = ADA.email.upper()
    with pytest.raises(EmailTakenError):
        await repository.create(UserCreate(name="x", email=shouted))
    with pytest.raises(EmailTakenError):
        await repository.update(1, UserUpdate(email=shouted))
    changed = await repository.update(created.user.id, UserUpdate(email=shouted))
    assert changed is not None
    assert changed.user.email == shouted


async def test_a_freed_address_can_be_taken(repository: UserRepository) -> None:
    """An address that its user gave up, by a change or by going, is free again."""
    first = await repository.create(ADA)
    await repository.update(first.user.id, UserUpdate(email=COUNTESS.email))
    second = await repository.create(ADA)
    await repository.delete(second.user.id)
    assert (await repository.create(ADA)).user.email == ADA.email


async def test_a_change_leaves_the_rest(repository: UserRepository) -> None:
    """What a change doesn't name stays as it was."""
    before = await read(repository, 1)
    changed = await repository.update(1, UserUpdate(name="Grace Hopper"))
    assert changed is not None
    assert changed.user == before.model_copy(update={"name": "Grace Hopper"})
    assert await read(repository, 1) == changed.user


async def test_who_is_not_there_cannot_be_changed_or_deleted(repository: UserRepository) -> None:
    """Both say so, with a precondition or without, and a second deletion does too."""
    for precondition in (None, lambda _stored: None):
        assert await repository.update(6, UserUpdate(name="x"), precondition) is None
        assert await repository.delete(6, precondition) is None
    assert await repository.delete(5)
    assert await repository.delete(5) is None
    assert (await repository.get(5)).user is None


async def test_versions_grow(repository: UserRepository) -> None:
    """Each change has a later version than the one before, the deletion the latest; what changes nothing has none."""
    versions = [(await repository.get(1)).version]
    for name in ("x", "y", "z"):
        changed = await repository.update(1, UserUpdate(name=name))
        assert changed is not None
        versions.append(changed.version)
        assert await repository.update(1, UserUpdate(name=name)) == changed
        assert await repository.update(1, UserUpdate()) == changed
    versions.append(await repository.delete(1) or 0)
    assert versions == sorted(set(versions))


class UnexpectedError(Exception):
    """It is not what the client has seen."""


async def test_a_precondition_sees_what_is_replaced(repository: UserRepository) -> None:
    """What it raises ends the write, and nothing has changed; what it lets pass is written."""
    found = await repository.get(1)

    def expect(stored: Stored) -> None:
        if stored.version != found.version:
            raise UnexpectedError

    changed = await repository.update(1, UserUpdate(name="x"), expect)
    assert changed is not None
    assert changed.user.name == "x"
    with pytest.raises(UnexpectedError):
        await repository.update(1, UserUpdate(name="y"), expect)
    with pytest.raises(UnexpectedError):
        await repository.delete(1, expect)
    assert await read(repository, 1) == changed.user
    assert await repository.delete(1, lambda stored: None if stored == changed else expect(stored))


async def test_a_key_creates_once(repository: UserRepository) -> None:
    """A repetition gets what the first request created, as it was then, whatever has become of it."""
    replays = sample("users_api_idempotency_replays_total")
    first = await repository.create(ADA, key())
    await repository.update(first.user.id, UserUpdate(name="x"))
    again = await repository.create(ADA, key())
    assert (first.is_repetition, again.is_repetition) == (False, True)
    assert (again.user, again.version) == (first.user, first.version)
    assert len(await repository.page(5, 10)) == 1
    assert sample("users_api_idempotency_replays_total") == replays + 1


async def test_a_key_stands_for_one_request(repository: UserRepository) -> None:
    """With another body it is refused; another client's is another key."""
    await repository.create(ADA, key())
    with pytest.raises(ConflictingKeyError):
        await repository.create(COUNTESS, key(content=b"[]"))
    other = IdempotencyKey("bob", "k", b"{}")
    assert not (await repository.create(COUNTESS, other)).is_repetition


async def test_what_fails_claims_no_key(repository: UserRepository) -> None:
    """A creation that was refused may be sent again with its key."""
    await repository.create(ADA)
    with pytest.raises(EmailTakenError):
        await repository.create(ADA, key())
    assert not (await repository.create(COUNTESS, key())).is_repetition


async def test_a_repetition_has_no_precondition(repository: UserRepository) -> None:
    """It holds for the first request, and can't be asked of the second, which would find its own work."""
    asked = 0

    async def precondition() -> None:
        nonlocal asked
        asked += 1
        if asked > 1:
            raise UnexpectedError

    await repository.create(ADA, key(), precondition)
    assert (await repository.create(ADA, key(), precondition)).is_repetition
    with pytest.raises(UnexpectedError):
        await repository.create(COUNTESS, None, precondition)
    assert asked == 2


def statements(query: str) -> float:
    """How many of that name were carried out."""
    return sample("users_api_database_query_seconds_count", query=query, target="primary")


async def test_look_ups_of_one_turn_share_a_statement(users_url: str) -> None:
    """A hundred at once are one statement, which the server plans no more after a few; one alone is as it was."""
    await seed(DatabaseConfig(users_url), 300)
    before = statements("user_get"), statements("user_get_many")
    async with stored_in(users_url) as repository:
        for _ in range(10):
            found = await asyncio.gather(*(repository.get(user_id) for user_id in range(1, LOOKED_UP_AT_ONCE + 3)))
            assert [one.user and one.user.id for one in found] == [*range(1, LOOKED_UP_AT_ONCE + 3)]
        assert (await repository.get(1)).user
        planned = await repository._database.read(PLANNED)
    assert (statements("user_get") - before[0], statements("user_get_many") - before[1]) == (1, 20)
    assert sum(row["generic_plans"] for row in planned.rows) > 0


async def test_a_look_up_of_a_recorded_request_has_a_span(users_url: str) -> None:
    """It shares its statement with nobody, whose requests may not be recorded."""
    tracer, exporter = recording()
    database = Database(DatabaseConfig(users_url), tracer)
    await database.start()
    repository = PostgresUserRepository(database, key_seconds=60)

    async def recorded(user_id: int) -> None:
        with tracer.start_as_current_span("request"):
            await repository.get(user_id)

    await asyncio.gather(*(repository.get(user_id) for user_id in range(5)), recorded(1), recorded(2))
    await database.aclose()
    spans = {span.context.span_id: span for span in exporter.get_finished_spans() if span.context}
    looked_up = [span for span in spans.values() if span.name == "user_get"]
    assert len(looked_up) == 2
    assert len({span.parent.span_id for span in looked_up if span.parent}) == 2


@pytest.mark.parametrize("is_begun", [False, True], ids=["before its first step", "under way"])
async def test_a_batch_that_is_given_up_is_no_answer(users_url: str, *, is_begun: bool) -> None:
    """Who waits for it is told that the database could not be asked, as for any statement."""
    async with stored_in(users_url) as repository:
        pending = asyncio.ensure_future(repository.get(1))
        for _ in range(3 if is_begun else 2):
            await asyncio.sleep(0)
        assert repository._look_ups[Freshness.RECENT].in_flight == 1
        for task in repository._look_ups[Freshness.RECENT]._in_flight:
            task.cancel()
        with pytest.raises(DatabaseUnavailableError):
            await asyncio.wait_for(pending, 10)


async def test_of_many_with_one_key_one_creates(users_url: str) -> None:
    """Twenty at once, of two processes, end with one user, and all get it."""
    async with stored_in(users_url) as one, stored_in(users_url) as two:
        creations = await asyncio.gather(*(random.choice((one, two)).create(ADA, key()) for _ in range(20)))
        assert sum(not creation.is_repetition for creation in creations) == 1
        assert len({creation.user.id for creation in creations}) == 1
        assert len(await one.page(0, 10)) == 1


async def test_keys_expire(postgres: PostgresProcess, users_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """After its time a key is as none; what has expired is removed by and by."""
    monkeypatch.setattr(module, "PURGE_SECONDS", 0.01)
    name = name_of(users_url)
    async with stored_in(users_url) as repository:
        await repository.create(ADA, key())
        postgres.sql("UPDATE idempotency_keys SET created_at = created_at - interval '61 seconds'", name)
        assert await repository._created_with(key(), ADA) is None
        assert not (await repository.create(COUNTESS, key())).is_repetition
        postgres.sql("UPDATE idempotency_keys SET created_at = created_at - interval '61 seconds'", name)
        (purge,) = repository.background
        purge.start()
        await until(lambda: postgres.sql("SELECT count(*) FROM idempotency_keys", name) == "0")
        await purge.aclose()


async def test_many_expired_keys_are_removed_in_batches(
    postgres: PostgresProcess, users_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More than a batch holds are gone after one round, which goes on where the database was away."""
    monkeypatch.setattr(module, "PURGE_SECONDS", 0.01)
    name = name_of(users_url)
    async with stored_in(users_url) as repository:
        postgres.sql(
            "INSERT INTO idempotency_keys SELECT int4send(n), '', n, n, now() - interval '1 day'"
            " FROM generate_series(1, 1500) n",
            name,
        )
        postgres.kill()
        (purge,) = repository.background
        purge.start()
        await asyncio.sleep(0.1)
        postgres.start()
        await until(lambda: postgres.sql("SELECT count(*) FROM idempotency_keys", name) == "0")
        assert purge.restarts == 0
        await purge.aclose()


async def test_a_key_that_expires_in_between_is_in_progress(users_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Claimed when it was to be written, and gone when it was to be read: the next try passes."""
    async with stored_in(users_url) as repository:
        await repository.create(ADA, key())
        late = queries.FIND_KEY._replace(sql=queries.FIND_KEY.sql.replace("secs => $2", "secs => $2 - 3600"))
        monkeypatch.setattr(queries, "FIND_KEY", late)
        with pytest.raises(InProgressError):
            await repository.create(ADA, key())


async def test_a_write_that_others_overtake_all_the_time_gives_up(users_url: str) -> None:
    """A precondition that always holds is tried again on what others wrote, and not for ever."""
    async with stored_in(users_url) as repository:
        created = await repository.create(ADA)
        tries = 0

        async def overtake() -> None:
            await repository.update(created.user.id, UserUpdate(name=f"other {tries}"))

        original = repository._write

        async def write(*arguments: object, **options: bool) -> object:
            nonlocal tries
            if arguments[0] == queries.UPDATE_VERSION:
                tries += 1
                await overtake()
            return await original(*arguments, **options)  # type: ignore[arg-type]

        repository._write = write  # type: ignore[assignment,method-assign] # the very moment can't be had of a real one
        with pytest.raises(DatabaseUnavailableError, match="others changed user"):
            await repository.update(created.user.id, UserUpdate(name="x"), lambda _stored: None)
        assert tries == module.CONDITIONAL_ATTEMPTS


async def test_another_broken_rule_is_no_taken_address(postgres: PostgresProcess, users_url: str) -> None:
    """Only the index of addresses says that an address is taken."""
    name = name_of(users_url)
    async with stored_in(users_url) as repository:
        await repository.create(ADA)
        postgres.sql("SELECT setval('users_id_seq', 1, false)", name)
        with pytest.raises(asyncpg.UniqueViolationError):
            await repository.create(COUNTESS)


def count_to_the_page(request: pytest.FixtureRequest) -> None:
    """Find a page by the number of users before it."""
    monkeypatch: pytest.MonkeyPatch = request.getfixturevalue("monkeypatch")
    seen = 0

    async def page(self: PostgresUserRepository, after: int, limit: int) -> list[User]:
        nonlocal seen
        by_offset = queries.PAGE._replace(sql=queries.PAGE.sql.replace("WHERE id > $1", "") + " OFFSET $1")
        found = await self._database.read(by_offset, seen if after else 0, limit)
        seen = (seen if after else 0) + len(found.rows)
        return [module._user(row) for row in found.rows]

    monkeypatch.setattr(PostgresUserRepository, "page", page)


@sabotage("pages are found by OFFSET", count_to_the_page)
async def test_a_scan_meets_everyone_who_stays_once(users_url: str) -> None:
    """Pages read while others come and go have each user who was there throughout, exactly once."""
    await seed(DatabaseConfig(users_url), 500)
    stay = set(range(1, 501, 2))
    async with stored_in(users_url) as repository:

        async def come_and_go() -> None:
            for user_id in random.sample(range(2, 501, 2), 200):
                await repository.delete(user_id)
                await repository.create(UserCreate(name="x", email=f"x{user_id}@example.org"))

        disturbance = asyncio.create_task(come_and_go())
        try:
            for _ in range(5):
                seen: list[int] = []
                while page := await repository.page(seen[-1] if seen else 0, 17):
                    seen += [user.id for user in page]
                assert len(seen) == len(set(seen))
                assert stay <= set(seen)
        finally:
            await disturbance


async def test_a_new_connection_knows_each_statement_s_types(users_url: str) -> None:
    """No statement makes the driver ask a new connection about types first, which takes longer than the statement."""
    for name, query in QUERIES.items():
        said: list[str] = []
        connection = await asyncpg.connect(users_url)
        try:
            connection.add_query_logger(lambda logged, said=said: said.append(logged.query))
            await connection.execute("BEGIN")
            await connection.fetch(query.sql, *arguments(1, 1)[name])
            await connection.execute("ROLLBACK")
        finally:
            await connection.close()
        assert [statement for statement in said if statement != query.sql and "pg_catalog" in statement] == [], name
