import asyncio

import httpx
import pytest

from tests.api import TOKEN, client_of, running
from tests.observe import until
from tests.postgres_process import PostgresProcess, name_of
from tests.redis_process import RedisProcess
from tests.tcp_proxy import TCPProxy

pytestmark = [pytest.mark.anyio, pytest.mark.integration]

ADA = {"name": "Ada Lovelace", "email": "ada@example.com"}
# So that the connection can be lost while the server is at work; it looks for its client when it has something to say.
SLOW = """
    CREATE FUNCTION slowly() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN PERFORM pg_sleep(2); RETURN coalesce(NEW, OLD); END $$;
    CREATE TRIGGER slow BEFORE UPDATE OR DELETE ON users FOR EACH ROW EXECUTE FUNCTION slowly();
"""
AT_WORK = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"


@pytest.mark.parametrize("change", [("PATCH", 200, "Changed"), ("DELETE", 404, None)])
async def test_what_happened_without_an_answer_is_seen_everywhere(
    postgres: PostgresProcess, users_url: str, redis: RedisProcess, change: tuple[str, int, str | None]
) -> None:
    """A change or deletion that nobody was answered leaves no old user in the caches, here and in another process."""
    method, status, name = change
    async with TCPProxy(postgres.port) as proxy:
        settings: dict[str, object] = {
            "database_url": users_url.replace(f":{postgres.port}/", f":{proxy.port}/"),
            "redis_url": redis.url,
            "cache_ttl_seconds": 3600,
        }
        async with (
            running(**settings) as one,
            running(**settings) as two,
            client_of(one, **TOKEN) as first,
            client_of(two, **TOKEN) as second,
        ):
            path = (await first.post("/api/users", json=ADA)).headers["location"]
            for client in (first, second):
                assert (await client.get(path)).json()["name"] == ADA["name"]
            postgres.sql(SLOW, name_of(users_url))
            pending = asyncio.create_task(first.request(method, path, json={"name": "Changed"} if name else None))
            await until(lambda: postgres.sql(AT_WORK) == "1")
            proxy.drop()
            answer = await pending
            assert (answer.status_code, "may have carried" in answer.json()["detail"]) == (503, True)
            for client in (first, second):
                await _until_read(client, path, status, name)
            assert len(one.state.users._unanswered) == 0


async def _until_read(client: httpx.AsyncClient, path: str, status: int, name: str | None) -> None:
    async with asyncio.timeout(60):
        while True:
            answer = await client.get(path)
            if (answer.status_code, answer.json().get("name")) == (status, name):
                return
            await asyncio.sleep(0.1)
