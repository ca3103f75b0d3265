import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.fleet.http.headers import SINGLETONS, combine
from tests.api import TOKEN, calling, client_of, running
from tests.asgi import call

pytestmark = pytest.mark.anyio

ORIGIN = "https://app.example.com"
JSON = ("content-type", "application/json")
AUTHORIZATION = ("authorization", TOKEN["authorization"])


def test_lines_of_one_list_are_joined() -> None:
    """In their order, by commas, cookies by semicolons, and without the white space around them."""
    fields = [(b"accept", b" a\t"), (b"x", b"1"), (b"accept", b"b"), (b"cookie", b"a=1"), (b"cookie", b"b=2")]
    assert combine(fields) == ([(b"accept", b"a, b"), (b"x", b"1"), (b"cookie", b"a=1; b=2")], None)


def test_two_request_ids_are_none() -> None:
    """Neither names the request, and no client is refused for what a proxy did."""
    assert combine([(b"x-request-id", b"1"), (b"a", b""), (b"x-request-id", b"1")]) == ([(b"a", b"")], None)


@given(st.lists(st.tuples(st.sampled_from([*sorted(SINGLETONS), b"accept", b"x-request-id"]), st.binary(max_size=5))))
def test_no_header_is_left_twice(fields: list[tuple[bytes, bytes]]) -> None:
    """Whatever came; a singleton that did is named, and nobody can read either of its values."""
    combined, repeated = combine(fields)
    names = [name for name, _ in fields]
    assert len(dict(combined)) == len(combined)
    assert (repeated is not None) == any(names.count(name) > 1 for name in SINGLETONS)
    assert repeated is None or (names.count(repeated) > 1 and repeated not in dict(combined))


@pytest.mark.parametrize("fast_path_enabled", [True, False])
@pytest.mark.parametrize("name", sorted(name.decode() for name in SINGLETONS - {b"host"}))
async def test_a_singleton_that_comes_twice_is_refused(name: str, *, fast_path_enabled: bool) -> None:
    """400 names the header, though both say the same; the request is not carried out."""
    async with calling(fast_path_enabled=fast_path_enabled) as client:
        await client.get("/api/users/1")
        value = TOKEN.get(name, "1")
        twice = [AUTHORIZATION, *([(name, value)] * (1 if name in TOKEN else 2))]
        read = await client.request("GET", "/api/users/1", headers=twice)
        written = await client.request("DELETE", "/api/users/1", headers=twice)
        assert (await client.get("/api/users/1")).status_code == 200
    for response in (read, written):
        assert response.status_code == 400
        assert response.headers["content-type"] == "application/problem+json"
        assert name in response.json()["detail"]


async def test_a_refused_request_counts_against_its_address() -> None:
    """Two tokens name nobody; repeating headers is no way around the limit."""
    async with calling(rate_limit_requests=6) as client:  # two for each of three replicas without Redis
        twice = [AUTHORIZATION, AUTHORIZATION]
        responses = [await client.request("DELETE", "/api/users/1", headers=twice) for _ in range(3)]
    assert [response.status_code for response in responses] == [400, 400, 429]


@pytest.mark.parametrize("fast_path_enabled", [True, False])
async def test_accept_lines_are_one_list(*, fast_path_enabled: bool) -> None:
    """The same answer as where a comma joins them (RFC 9110, section 5.3), in either order."""
    async with calling(fast_path_enabled=fast_path_enabled) as client:
        await client.get("/api/users/1")
        for lines in (["text/html", "application/json"], ["*/*;q=0", "application/json"], ["application/json", "*/*"]):
            for order in (lines, lines[::-1]):
                headers = [("accept", line) for line in order]
                assert (await client.get("/api/users/1", headers=headers)).status_code == 200
        ruled_out = [("accept", "*/*"), ("accept", "application/json;q=0")]
        assert (await client.get("/api/users/1", headers=ruled_out)).status_code == 406


async def test_metrics_are_chosen_by_all_lines() -> None:
    """The format that the scraper prefers, by quality, on whichever line; odd versions and refusals get plain text."""
    openmetrics = "application/openmetrics-text;version=1.0.0"
    async with calling() as client:
        for accept, expected in (
            (["text/plain;version=0.0.4;q=0.5", openmetrics], "application/openmetrics-text"),
            (["text/plain;version=1.0.0", f"{openmetrics};q=0.5"], "text/plain"),
            ([f"{openmetrics};q=0"], "text/plain"),
            (["application/openmetrics-text;version=x", "*/*;q=0.1"], "text/plain"),
            (["application/openmetrics-text;version=9.9.9"], "text/plain"),
            (['text/plain;version="', ",;=,"], "text/plain"),
        ):
            response = await client.get("/metrics", headers=[("accept", line) for line in accept])
            assert response.status_code == 200
            assert response.headers["content-type"].startswith(expected)


@pytest.mark.parametrize("fast_path_enabled", [True, False])
async def test_entity_tag_lines_are_one_list(*, fast_path_enabled: bool) -> None:
    """A tag on the second line counts as one on the first."""
    async with calling(fast_path_enabled=fast_path_enabled) as client:
        etag = (await client.get("/api/users/1")).headers["etag"]
        for order in ([etag, '"x"'], ['"x"', etag]):
            none_match = [("if-none-match", tag) for tag in order]
            assert (await client.get("/api/users/1", headers=none_match)).status_code == 304
            match = [("if-match", tag) for tag in order]
            assert (await client.patch("/api/users/1", json={}, headers=match)).status_code == 200


async def test_white_space_around_a_value_is_none_of_it() -> None:
    """Some servers leave it (RFC 9110, section 5.5)."""
    async with running() as app:
        for path, method, fields in (
            ("/api/users/1", "GET", [(b"authorization", b" Bearer test-token\t ")]),
            ("/api/users/1", "GET", [(b"authorization", b"Bearer test-token"), (b"accept", b"\tapplication/json ")]),
        ):
            scope = {"type": "http", "method": method, "path": path, "query_string": b"", "headers": fields}
            sent = await call(app, {**scope, "client": ("127.0.0.1", 1), "app": app})
            assert sent[0]["status"] == 200


async def test_two_origins_are_no_origin() -> None:
    """No answer to them lets a browser in, and a preflight with two is none."""
    async with running(cors_origins=[ORIGIN]) as app, client_of(app, **TOKEN) as client:
        twice = [("origin", ORIGIN), ("origin", "https://evil.example")]
        preflight = [*twice, ("access-control-request-method", "GET")]
        for response in (
            await client.get("/api/users/1", headers=twice),
            await client.options("/api/users/1", headers=preflight),
        ):
            assert response.status_code == 400
            assert "access-control-allow-origin" not in response.headers


async def test_a_browser_may_send_preconditions_and_read_what_they_need() -> None:
    """If-Match is allowed in a preflight, HEAD as well, and scripts may read ETag; a refusal can be read too."""
    async with running(cors_origins=[ORIGIN]) as app, client_of(app, origin=ORIGIN) as client:
        for method in ("PATCH", "DELETE", "HEAD"):
            asked = {
                "access-control-request-method": method,
                "access-control-request-headers": "authorization,if-match",
            }
            assert (await client.options("/api/users/1", headers=asked)).status_code == 200
        response = await client.delete("/api/users/1", headers={**TOKEN, "if-match": '"x"'})
        repeated = await client.get("/api/users/1", headers=[AUTHORIZATION, AUTHORIZATION])
    assert response.status_code == 412
    assert "etag" in response.headers["access-control-expose-headers"]
    assert repeated.status_code == 400
    assert repeated.headers["access-control-allow-origin"] == ORIGIN
