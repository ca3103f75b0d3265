import asyncio
import logging
import subprocess
import sys

import pytest

from service.database import pool
from service.database.gate import Gate
from service.dev import free_port
from service.fleet.idempotency import IdempotencyKey
from service.users.repository import UserRepository
from service.users.schemas import UserCreate
from tests.api import TOKEN, calling, client_of, running
from tests.integration.locked_users import locked_users
from tests.observe import until
from tests.postgres_process import HURRIED, PostgresProcess, as_settings, name_of
from tests.redis_process import RedisProcess
from tests.sabotage import patched, sabotage
from tests.service_process import ROOT

pytestmark = [pytest.mark.anyio, pytest.mark.integration]

ADA = {"name": "Ada Lovelace", "email": "ada@example.com"}
# So that what is cached is believed for its whole time to live: nobody else writes.
ALONE: dict[str, object] = {"redis_url": "", "workers": 1, "rate_limit_expected_replicas": 1}
# The server's own error, from a trigger: to fill a disk takes one.
FULL = """
    CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full'; END $$;
    CREATE TRIGGER full_disk BEFORE INSERT OR UPDATE ON users EXECUTE FUNCTION no_room();
"""


async def test_a_user_lives_in_the_database(users_url: str) -> None:
    """What one process creates, changes and deletes another has from then on, and its own caches agree."""
    async with (
        running(database_url=users_url) as one,
        running(database_url=users_url) as two,
        client_of(one, **TOKEN) as first,
        client_of(two, **TOKEN) as second,
    ):
        created = await first.post("/api/users", json=ADA)
        assert created.status_code == 201
        path = created.headers["location"]
        read = await second.get(path)
        assert (read.json(), read.headers["etag"]) == (created.json(), created.headers["etag"])
        changed = await second.patch(path, json={"name": "x"}, headers={"if-match": read.headers["etag"]})
        assert changed.status_code == 200
        lost = await first.patch(path, json={"name": "y"}, headers={"if-match": read.headers["etag"]})
        assert lost.status_code == 412
        assert (await first.get("/api/users")).json()["items"] == [changed.json()]
        deleted = await first.delete(path, headers={"if-match": changed.headers["etag"]})
        assert deleted.status_code == 204
        assert (await first.get(path)).status_code == 404


async def test_a_repetition_reaches_another_process(users_url: str) -> None:
    """The key's record is in the database: without Redis too a repetition is found out wherever it arrives."""
    answers = []
    for _ in range(2):
        async with calling(database_url=users_url) as client:
            answers.append(await client.post("/api/users", json=ADA, headers={"idempotency-key": "one"}))
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].content == answers[1].content
    assert answers[0].headers["etag"] == answers[1].headers["etag"]


async def test_a_repetition_is_seen_where_nobody_was_told_of_the_first(users_url: str, redis: RedisProcess) -> None:
    """Whose creation was answered by nobody is there after the repetition, where it was known to be missing too."""
    settings: dict[str, object] = {"database_url": users_url, "redis_url": redis.url}
    async with (
        running(**settings) as one,
        running(**settings) as two,
        client_of(one, **TOKEN) as first,
        client_of(two, **TOKEN) as second,
    ):
        before = (await first.post("/api/users", json={**ADA, "email": "a@example.com"})).json()["id"]
        path = f"/api/users/{before + 1}"
        assert [(await client.get(path)).status_code for client in (first, second)] == [404, 404]
        repository: UserRepository = one.state.users._repository
        user = UserCreate.model_validate(ADA)
        key = IdempotencyKey("developer", "one", user.model_dump_json().encode())
        await repository.create(user, key)  # and its process ends here
        repeated = await first.post("/api/users", json=ADA, headers={"idempotency-key": "one"})
        assert (repeated.status_code, repeated.headers["location"]) == (201, path)
        assert (await first.get(path)).status_code == 200
        await until(lambda: two.state.cache.l1_entry(f"users:{before + 1}") is None)
        assert (await second.get(path)).status_code == 200


async def test_addresses_differ_by_more_than_case(users_url: str) -> None:
    """The same address in other letters is taken."""
    async with calling(database_url=users_url) as client:
        await client.post("/api/users", json=ADA)
        assert (await client.post("/api/users", json={**ADA, "email": "ADA@example.com"})).status_code == 409


async def test_without_its_database_the_service_starts_and_says_so() -> None:
    """It is ready, degraded, alive, and answers 503 with when to come back; who is refused has changed nothing."""
    async with calling(database_url=f"postgresql://postgres@127.0.0.1:{free_port()}/postgres") as client:
        ready = await client.get("/readyz?verbose")
        assert (ready.status_code, ready.json()["degraded"]) == (200, True)
        assert ready.json()["checks"]["database"] == {"available": False, "breaker": "open"}
        health = (await client.get("/api/health")).json()
        assert (health["status"], health["database"]) == ("degraded", False)
        assert (await client.get("/livez")).status_code == 200
        for answer in (await client.get("/api/users/1"), await client.post("/api/users", json=ADA)):
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
            assert answer.headers["content-type"] == "application/problem+json"
            assert "nothing was changed" in answer.json()["detail"]


async def test_cached_reads_outlive_the_database(postgres: PostgresProcess, users_url: str) -> None:
    """Who was read before is answered while the database is away, and writes go through again after its return."""
    async with running(database_url=users_url, **ALONE) as app, client_of(app, **TOKEN) as client:
        path = (await client.post("/api/users", json=ADA)).headers["location"]
        await client.get(path)
        postgres.kill()
        assert (await client.get(path)).status_code == 200
        assert (await client.get("/api/users")).status_code == 503
        postgres.start()
        await until(lambda: app.state.database.available)
        assert (await client.patch(path, json={"name": "x"})).status_code == 200


class OpenGate(Gate):
    """Has a place for everybody."""

    def enter_at_once(self) -> bool:
        """Make one more."""
        self._free += 1
        return super().enter_at_once()


@sabotage("the pool has no gate", patched((pool, "Gate", OpenGate)))
async def test_an_overload_leaves_cached_reads_alone(users_url: str) -> None:
    """While every connection waits for a lock, what has no place is told so at once, and what is cached is read."""
    small = {"database_pool_size": 2, "database_max_waiting": 2, "rate_limit_requests": 100_000}
    settings = {**ALONE, **small, **as_settings(HURRIED)}
    async with running(database_url=users_url, **settings) as app, client_of(app, **TOKEN) as client:
        path = (await client.post("/api/users", json=ADA)).headers["location"]
        await client.get(path)
        async with locked_users(users_url):
            lists = [asyncio.create_task(client.get("/api/users")) for _ in range(20)]
            cached = [await client.get(path) for _ in range(50)]
            refused = await asyncio.gather(*lists)
        assert {answer.status_code for answer in cached} == {200}
        assert {answer.status_code for answer in refused} == {503}
        assert {answer.headers["retry-after"] for answer in refused} == {"1"}
        assert sum("Too many requests wait" in answer.json()["detail"] for answer in refused) >= 16
        await until(lambda: app.state.database.primary.pool.in_use == 0)
        assert (await client.get("/api/users")).status_code == 200


async def test_a_full_disk_leaves_reads_alone(postgres: PostgresProcess, users_url: str) -> None:
    """Writes for which the server has no room are refused, with what was not done; reads go on being asked of it."""
    name = name_of(users_url)
    async with running(database_url=users_url) as app, client_of(app, **TOKEN) as client:
        path = (await client.post("/api/users", json=ADA)).headers["location"]
        postgres.sql(FULL, name)
        writes = [await client.patch(path, json={"name": f"x{number}"}) for number in range(5)]
        assert {(answer.status_code, answer.headers["retry-after"]) for answer in writes} == {(503, "1")}
        assert all("disk or memory; nothing was changed" in answer.json()["detail"] for answer in writes)
        assert app.state.database.available
        assert (await client.get("/api/users")).json()["items"][0]["name"] == ADA["name"]


async def test_a_write_without_an_answer_is_unknown(postgres: PostgresProcess, users_url: str) -> None:
    """Where the server fell silent after it had got the statement, the client is told that it may have happened."""
    async with running(database_url=users_url, **as_settings(HURRIED)) as app, client_of(app, **TOKEN) as client:
        await client.get("/api/users")
        postgres.freeze()
        answer = await client.post("/api/users", json=ADA)
        postgres.resume()
        await until(lambda: app.state.database.available)
    assert answer.status_code == 503
    assert "may have carried the request out" in answer.json()["detail"]


async def test_without_a_url_users_are_made_up(caplog: pytest.LogCaptureFixture) -> None:
    """Log and /readyz?verbose say so, and nothing is degraded by it."""
    with caplog.at_level(logging.WARNING):
        async with calling(redis_url="") as client:
            ready = (await client.get("/readyz?verbose")).json()
            health = (await client.get("/api/health")).json()
    assert "users are made up" in caplog.text
    assert ready["degraded"] is False
    assert "made up" in ready["checks"]["database"]["users"]
    assert health["database"] == "off"


async def test_statements_are_traced(users_url: str) -> None:
    """With tracing on, the repository's statements get a tracer of ours."""
    async with running(database_url=users_url, otel_enabled=True, otel_sample_ratio=0) as app:
        users: UserRepository = app.state.users._repository
        assert (await users.get(1)).user is None
        assert app.state.database.primary._tracer is not None


def test_the_service_imports_nothing_of_the_migrations() -> None:
    """Alembic and SQLAlchemy are the Job's: they would cost each pod memory and time at its start."""
    code = "import sys, service.app; print({'alembic', 'sqlalchemy'} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True)
    assert done.stdout == "set()\n"
