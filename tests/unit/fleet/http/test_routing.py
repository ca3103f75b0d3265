import httpx
import pytest

from tests.api import TOKEN, calling, client_of, running

pytestmark = pytest.mark.anyio

CHANGING = {"age", "x-request-id", "ratelimit"}
PATHS = (
    *(
        "/livez",
        "/readyz",
        "/readyz?verbose",
        "/version",
        "/metrics",
        "/api/health",
        "/gateway-health",
        "/openapi.json",
    ),
    *("/docs", "/api/users", "/api/users?limit=2", "/api/users/1", "/api/users/9999", "/api/users/x", "/nowhere"),
)


def comparable(response: httpx.Response) -> dict[str, str]:
    """The headers that two answers to one question have in common."""
    return {name: value for name, value in response.headers.items() if name not in CHANGING}


@pytest.mark.parametrize("fast_path_enabled", [True, False])
@pytest.mark.parametrize("path", PATHS)
async def test_head_answers_as_get_does(path: str, *, fast_path_enabled: bool) -> None:
    """Same status, same headers, its length among them, and no body (RFC 9110, section 9.3.2)."""
    async with calling(fast_path_enabled=fast_path_enabled) as client:
        await client.get(path)
        got, head = await client.get(path), await client.head(path)
    assert head.status_code == got.status_code
    if path == "/metrics":  # counts from one scrape to the next
        assert head.headers.pop("content-length")
        assert got.headers.pop("content-length")
    assert comparable(head) == comparable(got)
    assert head.content == b""


@pytest.mark.parametrize("fast_path_enabled", [True, False])
async def test_head_is_conditional_too(*, fast_path_enabled: bool) -> None:
    """304 where the client's copy holds, 412 where it is not what the client means."""
    async with calling(fast_path_enabled=fast_path_enabled) as client:
        etag = (await client.get("/api/users/1")).headers["etag"]
        assert (await client.head("/api/users/1", headers={"if-none-match": etag})).status_code == 304
        assert (await client.head("/api/users/1", headers={"if-match": '"x"'})).status_code == 412
        assert (await client.head("/api/users/1", headers={"authorization": ""})).status_code == 401


OTHER_SPELLINGS = [
    *("/api/users/", "/api/users/7/", "/livez/", "//livez", "/api//users", "/api/users/7//", "/"),
    *(
        "/api/users%2F7",
        "/api%2fusers/7",
        "/api/users%0A",
        "/livez%0a",
        "/api/users/7%0A",
        "/API/users",
        "/api/users;v=1",
        "/docs/",
    ),
]


@pytest.mark.parametrize("fast_path_enabled", [True, False])
@pytest.mark.parametrize("path", OTHER_SPELLINGS)
async def test_a_path_has_one_spelling(path: str, *, fast_path_enabled: bool) -> None:
    """Another one is 404, and never a redirect to a host that the client made up."""
    hostile = {"host": "evil.example", "x-forwarded-proto": "https", "x-forwarded-host": "evil.example"}
    async with calling(fast_path_enabled=fast_path_enabled) as client:
        await client.get("/api/users/7")
        for method in ("GET", "HEAD", "PATCH"):
            response = await client.request(method, path, headers=hostile)
            assert response.status_code == 404
            assert "location" not in response.headers
            assert "evil.example" not in response.text


@pytest.mark.parametrize("fast_path_enabled", [True, False])
@pytest.mark.parametrize(
    "name",
    [
        *("1_0", "+1", "01", "1.0", "%201", "1%20", "%2B1", "1e1", "0x1", "-1", "0", "00", "1;v=1"),
        *("%D9%A1", "%EF%BC%91", "9007199254740992", "1" * 5000, "true", "1,2", "%2B", "1%00"),
    ],
)
async def test_a_user_has_one_name(name: str, *, fast_path_enabled: bool) -> None:
    """Another way to write a number names nobody, to read or to write."""
    async with calling(fast_path_enabled=fast_path_enabled) as client:
        await client.get("/api/users/1")
        for method in ("GET", "HEAD", "PATCH", "DELETE"):
            response = await client.request(method, f"/api/users/{name}", json={} if method == "PATCH" else None)
            assert response.status_code == 422
        assert (await client.get("/api/users/1")).status_code == 200


async def test_an_encoded_letter_is_that_letter() -> None:
    """To a URL %31 and 1 are the same name (RFC 3986, section 6.2.2.2)."""
    async with running() as app, client_of(app, **TOKEN) as client:
        await client.get("/api/users/1")
        assert (await client.get("/api/users/%31")).json() == (await client.get("/api/users/1")).json()


@pytest.mark.parametrize("limit", ["1_0", "+5", "05", "5.0", " 5", "%205", "5%20", "%D9%A5", "1e1", "", "true"])
async def test_a_number_in_a_query_has_one_spelling(limit: str) -> None:
    """As in a path; plus is a space there."""
    async with calling() as client:
        response = await client.get(f"/api/users?limit={limit}")
    assert response.status_code == 422
    assert [error["pointer"] for error in response.json()["errors"]] == ["#/query/limit"]


@pytest.mark.parametrize(
    "query", ["limit=1&limit=2", "limit=2&limit=2", "limit=1&limit=x", "x=1&x=2", "limit=1&%6Cimit=2"]
)
async def test_a_query_parameter_comes_once(query: str) -> None:
    """Of two nobody knows which is meant; the error names it."""
    async with calling() as client:
        response = await client.get(f"/api/users?{query}")
    assert response.status_code == 422
    assert response.json()["errors"] == [
        {"pointer": f"#/query/{query[0:1] if query[0] == 'x' else 'limit'}", "detail": "Name this parameter once"}
    ]
