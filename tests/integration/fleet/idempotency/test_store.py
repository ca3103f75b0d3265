import asyncio
from collections.abc import AsyncIterator

import pytest

from service.fleet.idempotency import Answer, ConflictingKeyError, IdempotencyKey, IdempotencyStore, InProgressError
from service.fleet.idempotency import store as module
from service.fleet.redis_client import RedisClient, RedisConfig
from tests.observe import sample, until
from tests.redis_process import HURRIED_SECONDS, NO_REDIS, PATIENT_SECONDS, RedisProcess

pytestmark = [pytest.mark.anyio, pytest.mark.integration]


class EndOfTheWorldError(BaseException):
    """Of a class that no `except Exception` catches."""


UNEXPECTED = [RuntimeError("x"), MemoryError(), asyncio.CancelledError(), GeneratorExit(), EndOfTheWorldError()]
unexpected = pytest.mark.parametrize("error", UNEXPECTED, ids=lambda error: type(error).__name__)


class Work:
    """Something that must not be done twice; counts, and waits until it may end."""

    def __init__(self) -> None:
        self.times = 0
        self.may_end = asyncio.Event()
        self.may_end.set()

    async def __call__(self) -> Answer:
        """Do it."""
        self.times += 1
        await self.may_end.wait()
        return Answer(201, b"\x00done", {"location": "/api/users/7"})


async def run(store: IdempotencyStore, work: Work, *, subject: str = "alice", content: bytes = b"{}") -> Answer:
    """Send the request with the key `k`."""
    return await store.run_once(IdempotencyKey(subject, "k", content), work)


@pytest.fixture(params=["redis", "local"])
async def client(request: pytest.FixtureRequest) -> AsyncIterator[RedisClient]:
    """A client of a running Redis, and one of none."""
    url = request.getfixturevalue("redis").url if request.param == "redis" else NO_REDIS
    client = RedisClient(RedisConfig(url=url, call_timeout_seconds=PATIENT_SECONDS))
    await client.start()
    yield client
    await client.aclose()


@pytest.fixture
def store(client: RedisClient) -> IdempotencyStore:
    """A store on either."""
    return IdempotencyStore(client, ttl_seconds=60)


async def test_a_repetition_gets_the_first_answer(store: IdempotencyStore) -> None:
    """It is carried out once, and answered alike to the byte."""
    work, before = Work(), sample("users_api_idempotency_replays_total")
    first = await run(store, work)
    assert await run(store, work) == first
    assert work.times == 1
    assert sample("users_api_idempotency_replays_total") == before + 1


async def test_another_body_is_a_conflict(store: IdempotencyStore) -> None:
    """A key stands for one request only."""
    work = Work()
    await run(store, work)
    with pytest.raises(ConflictingKeyError):
        await run(store, work, content=b"[]")
    assert work.times == 1


async def test_keys_belong_to_their_callers(store: IdempotencyStore) -> None:
    """The same key from another subject is another key."""
    work = Work()
    await run(store, work)
    await run(store, work, subject="bob")
    assert work.times == 2


async def test_of_many_at_once_one_is_carried_out(store: IdempotencyStore) -> None:
    """While the first runs, repetitions are told so."""
    work = Work()
    work.may_end.clear()
    requests = [asyncio.create_task(run(store, work)) for _ in range(20)]
    await until(lambda: sum(request.done() for request in requests) == 19)
    work.may_end.set()
    outcomes = await asyncio.gather(*requests, return_exceptions=True)
    assert work.times == 1
    assert sum(isinstance(outcome, InProgressError) for outcome in outcomes) == 19


async def test_of_many_at_once_one_is_carried_out_while_redis_hangs(redis: RedisProcess) -> None:
    """Repetitions that wait for Redis together, in vain, don't all go ahead afterwards."""
    client = RedisClient(RedisConfig(url=redis.url, call_timeout_seconds=HURRIED_SECONDS))
    await client.start()
    redis.blackhole()
    store, work = IdempotencyStore(client, ttl_seconds=60), Work()
    work.may_end.clear()
    requests = [asyncio.create_task(run(store, work)) for _ in range(20)]
    await until(lambda: sum(request.done() for request in requests) == 19 or work.times > 1)
    work.may_end.set()
    await asyncio.gather(*requests, return_exceptions=True)
    await client.aclose()
    assert work.times == 1


async def test_a_failure_frees_the_key(store: IdempotencyStore) -> None:
    """What failed may be tried again with the same key."""

    async def fail() -> Answer:
        raise LookupError

    with pytest.raises(LookupError):
        await store.run_once(IdempotencyKey("alice", "k", b"{}"), fail)
    work = Work()
    assert (await run(store, work)).status == 201


@unexpected
async def test_whatever_ends_the_work_frees_the_key(store: IdempotencyStore, error: BaseException) -> None:
    """Also what nobody expected is raised as it is, and the same key may be tried again at once."""

    async def fail() -> Answer:
        raise error

    with pytest.raises(type(error)):
        await store.run_once(IdempotencyKey("alice", "k", b"{}"), fail)
    assert (await run(store, Work())).status == 201


@unexpected
@pytest.mark.parametrize("call", [1, 2], ids=["claim", "keep"])
async def test_whatever_the_client_raises_nothing_is_done_twice(
    redis: RedisProcess, call: int, error: BaseException
) -> None:
    """A claim that ends so leaves the work undone, and an answer that was not kept in Redis is found here."""
    client = RedisClient(RedisConfig(url=redis.url, call_timeout_seconds=PATIENT_SECONDS))
    await client.start()
    store, work, original, calls = IdempotencyStore(client, ttl_seconds=60), Work(), client.write, 0

    async def failing_once(*command: bytes | str | float) -> object:
        nonlocal calls
        calls += 1
        if calls == call:
            raise error
        return await original(*command)

    client.write = failing_once  # type: ignore[method-assign, assignment] # no real Redis makes the client raise these
    with pytest.raises(type(error)):
        await run(store, work)
    assert work.times == call - 1
    assert (await run(store, work)).status == 201
    assert work.times == 1
    await client.aclose()


@unexpected
async def test_whatever_the_client_raises_as_a_key_is_freed_nobody_waits(
    redis: RedisProcess, error: BaseException
) -> None:
    """The claim that stays in Redis is told as one in progress, until it expires."""
    client = RedisClient(RedisConfig(url=redis.url, call_timeout_seconds=PATIENT_SECONDS))
    await client.start()
    store, original = IdempotencyStore(client, ttl_seconds=60), client.write

    async def fail() -> Answer:
        client.write = failing  # type: ignore[method-assign, assignment] # likewise
        raise LookupError

    async def failing(*_command: bytes | str | float) -> object:
        client.write = original  # type: ignore[method-assign] # likewise
        raise error

    with pytest.raises(type(error)):
        await store.run_once(IdempotencyKey("alice", "k", b"{}"), fail)
    with pytest.raises(InProgressError):
        await run(store, Work())
    await client.aclose()


async def test_a_replica_knows_the_others_keys(redis: RedisProcess) -> None:
    """A repetition that reaches another replica finds the first answer."""
    clients = [RedisClient(RedisConfig(url=redis.url, call_timeout_seconds=PATIENT_SECONDS)) for _ in range(2)]
    work = Work()
    answers = []
    for client in clients:
        await client.start()
        answers.append(await run(IdempotencyStore(client, ttl_seconds=60), work))
        await client.aclose()
    assert answers[0] == answers[1]
    assert work.times == 1


async def test_answers_and_claims_expire(redis: RedisProcess) -> None:
    """Redis forgets an answer after its time."""
    client = RedisClient(RedisConfig(url=redis.url, call_timeout_seconds=PATIENT_SECONDS))
    await client.start()
    await run(IdempotencyStore(client, ttl_seconds=60), Work())
    (name,) = await client.read("KEYS", "*")
    assert 0 < await client.read("TTL", name) <= 60
    await client.aclose()


async def test_local_keys_expire_and_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without Redis a key is forgotten after its time, or when too many newer ones came."""
    client = RedisClient(RedisConfig(url=NO_REDIS))
    await client.start()
    work = Work()
    short = IdempotencyStore(client, ttl_seconds=0)
    await run(short, work)
    await run(short, work)
    assert work.times == 2
    monkeypatch.setattr(module, "MAX_LOCAL", 1)
    small = IdempotencyStore(client, ttl_seconds=60)
    for subject in ("alice", "bob", "alice"):
        await run(small, work, subject=subject)
    assert work.times == 5
    await client.aclose()


async def test_a_claim_that_vanished_is_in_progress(redis: RedisProcess) -> None:
    """If the claim of another expires between our two questions, the next try passes."""
    client = RedisClient(RedisConfig(url=redis.url, call_timeout_seconds=PATIENT_SECONDS))
    await client.start()
    store = IdempotencyStore(client, ttl_seconds=60)
    work = Work()
    await run(store, work)
    (name,) = await client.read("KEYS", "*")
    original = client.read

    async def read_late(*command: bytes | str | float) -> object:
        await client.write("DEL", name)
        return await original(*command)

    client.read = read_late  # type: ignore[method-assign] # the expiry at that very moment can't be had of a real one
    with pytest.raises(InProgressError):
        await run(store, work)
    await client.aclose()
