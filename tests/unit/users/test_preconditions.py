import asyncio
import json

import httpx
import pytest

from tests.api import calling

pytestmark = pytest.mark.anyio

ADA = {"name": "Ada Lovelace", "email": "ada@example.com"}
PATH = "/api/users/1"


async def etag_of(client: httpx.AsyncClient, path: str = PATH) -> str:
    """The ETag that a reader is told."""
    etag: str = (await client.get(path)).headers["etag"]
    return etag


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
@pytest.mark.parametrize(
    ("name", "value", "status"),
    [
        ("if-match", '"nope"', 412),
        ("if-match", "nope", 412),
        ("if-match", "", 412),
        ("if-match", "W/{etag}", 412),
        ("if-match", '"x", W/{etag}', 412),
        ("if-match", "{etag} {etag}", 412),
        ("if-match", "{etag}, nope", 412),
        ("if-match", "*, {etag}", 412),
        ("if-match", "{etag}", 200),
        ("if-match", '"x",{etag}', 200),
        ("if-match", "*", 200),
        ("if-none-match", "{etag}", 412),
        ("if-none-match", "W/{etag}", 412),
        ("if-none-match", '"x", {etag}', 412),
        ("if-none-match", "*", 412),
        ("if-none-match", "nope", 412),
        ("if-none-match", '"x"', 200),
        ("if-none-match", "", 200),
        ("if-unmodified-since", "Mon, 01 Jan 2001 00:00:00 GMT", 200),
        ("if-modified-since", "Mon, 01 Jan 2035 00:00:00 GMT", 200),
    ],
)
async def test_a_write_is_for_the_user_that_the_client_means(method: str, name: str, value: str, status: int) -> None:
    """412 and no change unless the condition is shown to hold; dates, which nothing here has, say nothing."""
    async with calling() as client:
        before = await client.get(PATH)
        headers = {name: value.format(etag=before.headers["etag"]), "content-type": "application/json"}
        response = await client.request(method, PATH, content=b'{"name": "Changed"}', headers=headers)
        after = await client.get(PATH)
    assert response.status_code == (204 if (method, status) == ("DELETE", 200) else status)
    if status == 412:
        assert response.json()["title"] == "Precondition Failed"
        assert name in response.json()["detail"].lower()
        assert (after.status_code, after.content) == (200, before.content)
    else:
        assert after.content != before.content


async def test_both_conditions_must_hold() -> None:
    """If-Match first, If-None-Match then (RFC 9110, section 13.2.2)."""
    async with calling() as client:
        etag = await etag_of(client)
        for headers, status in (
            ({"if-match": etag, "if-none-match": etag}, 412),
            ({"if-match": '"x"', "if-none-match": '"x"'}, 412),
            ({"if-match": etag, "if-none-match": '"x"'}, 200),
        ):
            assert (await client.patch(PATH, json={}, headers=headers)).status_code == status
        for headers, status in (
            ({"if-match": '"x"', "if-none-match": etag}, 412),
            ({"if-match": etag, "if-none-match": etag}, 304),
            ({"if-match": etag, "if-none-match": '"x"'}, 200),
        ):
            assert (await client.get(PATH, headers=headers)).status_code == status


@pytest.mark.parametrize("fast_path_enabled", [True, False])
@pytest.mark.parametrize("path", [PATH, "/api/users", "/api/users?limit=3"])
async def test_reads_are_conditional(path: str, *, fast_path_enabled: bool) -> None:
    """If-None-Match by weak comparison, If-Match by strong; what can't be read is no match."""
    async with calling(fast_path_enabled=fast_path_enabled) as client:
        full = await client.get(path)
        etag = full.headers["etag"]
        for name, value, status in (
            ("if-none-match", etag, 304),
            ("if-none-match", f"W/{etag}", 304),
            ("if-none-match", f'"x" , {etag}', 304),
            ("if-none-match", "*", 304),
            ("if-none-match", '"x"', 200),
            ("if-none-match", etag.strip('"'), 200),
            ("if-match", etag, 200),
            ("if-match", "*", 200),
            ("if-match", f"W/{etag}", 412),
            ("if-match", '"x"', 412),
            ("range", "bytes=0-1", 200),
            ("if-modified-since", "Mon, 01 Jan 2035 00:00:00 GMT", 200),
        ):
            response = await client.get(path, headers={name: value})
            assert response.status_code == status, (name, value)
            assert response.content == (full.content if status == 200 else b"" if status == 304 else response.content)
            if status == 304:
                assert response.headers["etag"] == etag
                assert response.headers["cache-control"] == full.headers["cache-control"]
                assert response.headers["vary"] == full.headers["vary"]
                assert "content-type" not in response.headers


async def test_a_range_is_ignored_with_its_condition() -> None:
    """The whole user, and no promise of ranges."""
    async with calling() as client:
        etag = await etag_of(client)
        for headers in ({"range": "bytes=0-0"}, {"range": "bytes=0-0", "if-range": etag}, {"range": "rubbish"}):
            response = await client.get(PATH, headers=headers)
            assert response.status_code == 200
            assert response.json()["id"] == 1
            assert "accept-ranges" not in response.headers


async def test_who_is_not_there_fulfils_nothing() -> None:
    """404 comes before any condition, as without one the answer were no 2xx (RFC 9110, section 13.2.1)."""
    async with calling() as client:
        for headers in ({"if-match": "*"}, {"if-match": '"x"'}, {"if-none-match": "*"}):
            for method in ("GET", "DELETE"):
                assert (await client.request(method, "/api/users/4242", headers=headers)).status_code == 404
            assert (await client.patch("/api/users/4242", json={}, headers=headers)).status_code == 404


async def test_a_write_tells_the_tag_that_a_read_has() -> None:
    """POST and PATCH carry the new ETag, the repetition of a POST too, and their bodies are what is read then."""
    async with calling() as client:
        created = await client.post("/api/users", json=ADA, headers={"idempotency-key": "one"})
        again = await client.post("/api/users", json=ADA, headers={"idempotency-key": "one"})
        path = created.headers["location"]
        read = await client.get(path)
        assert created.headers["etag"] == again.headers["etag"] == read.headers["etag"]
        assert created.content == again.content == read.content
        changed = await client.patch(path, json={"name": "Ada"}, headers={"if-match": created.headers["etag"]})
        read = await client.get(path)
        assert changed.headers["etag"] == read.headers["etag"] != created.headers["etag"]
        assert changed.content == read.content
        stale = await client.delete(path, headers={"if-match": created.headers["etag"]})
        assert stale.status_code == 412


async def test_a_creation_may_depend_on_the_list() -> None:
    """The conditions of a POST are about what is at its URL (RFC 9110, section 13.1.1)."""
    async with calling() as client:
        etag = await etag_of(client, "/api/users")
        for headers in ({"if-match": '"x"'}, {"if-none-match": "*"}, {"if-none-match": etag}):
            refused = await client.post("/api/users", json=ADA, headers={**headers, "idempotency-key": "one"})
            assert refused.status_code == 412
        headers = {"if-match": etag, "idempotency-key": "one"}
        assert (await client.post("/api/users", json=ADA, headers=headers)).status_code == 201


async def test_of_writers_at_once_one_wins() -> None:
    """Between the check of If-Match and its write there is no other write: nobody's change is lost."""
    async with calling(rate_limit_enabled=False) as client:
        etag = await etag_of(client)
        writes = (client.patch(PATH, json={"name": f"Writer {n}"}, headers={"if-match": etag}) for n in range(20))
        responses = await asyncio.gather(*writes)
        (winner,) = [response for response in responses if response.status_code == 200]
        assert {response.status_code for response in responses} == {200, 412}
        assert (await client.get(PATH)).json()["name"] == json.loads(winner.content)["name"]
