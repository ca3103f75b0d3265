import pytest
from starlette.types import Message, Receive, Scope, Send

from service.fleet.http.problem import UnexpectedErrorMiddleware, problem_response
from tests.api import TOKEN, calling, client_of, running
from tests.asgi import http_scope

pytestmark = pytest.mark.anyio

JSON = {"content-type": "application/json"}


async def test_a_refused_preflight_has_it_too() -> None:
    """It says what a page may do, and still carries what CORS needs to be read; one that is granted is as ever."""
    async with calling(cors_origins=["https://app.example.com"]) as client:
        asked = {"origin": "https://app.example.com", "access-control-request-method": "PUT"}
        method = await client.options("/api/users/1", headers=asked)
        asked |= {"access-control-request-method": "GET", "access-control-request-headers": "x-other"}
        header = await client.options("/api/users/1", headers=asked)
        origin = await client.options("/api/users/1", headers={**asked, "origin": "https://evil.example"})
    for response, refused in ((method, "its method"), (header, "its headers"), (origin, "its origin, headers")):
        problem = response.json()
        assert response.status_code == problem["status"] == 400
        assert response.headers["content-type"] == "application/problem+json"
        assert refused in problem["detail"]
        assert "PATCH" in problem["detail"]
        assert "if-match" in problem["detail"]
        assert "Origin" in response.headers["vary"]
    assert method.headers["access-control-allow-origin"] == "https://app.example.com"
    assert "access-control-allow-origin" not in origin.headers


@pytest.mark.parametrize(
    ("method", "path", "headers", "content", "status"),
    [
        ("GET", "/api/users/1", {"authorization": ""}, b"", 401),
        ("GET", "/api/users/999999", {}, b"", 404),
        ("GET", "/nowhere", {}, b"", 404),
        ("PUT", "/api/users/1", {}, b"", 405),
        ("GET", "/api/users/1", {"accept": "text/html"}, b"", 406),
        ("POST", "/api/users", JSON, b" " * 70_000, 413),
        ("POST", "/api/users", {"content-type": "text/plain"}, b"x", 415),
        ("POST", "/api/users", JSON, b"{", 422),
        ("GET", "/api/users/none", {}, b"", 422),
        ("GET", "/api/faults/status/418", {}, b"", 418),
        ("GET", "/api/faults/status/503", {}, b"", 503),
    ],
)
async def test_each_error_has_the_one_shape(
    method: str, path: str, headers: dict[str, str], content: bytes, status: int
) -> None:
    """Type, title, status and detail, as application/problem+json that no cache keeps."""
    async with calling(faults_enabled=True) as client:
        response = await client.request(method, path, headers={**TOKEN, **headers}, content=content)
    problem = response.json()
    assert response.status_code == problem["status"] == status
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["cache-control"] == "no-store"
    assert problem["type"] == "about:blank"
    assert problem["title"]
    assert problem["detail"] != problem["title"]


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/api/users/1", "GET, HEAD, PATCH, DELETE"),
        ("/api/users", "GET, HEAD, POST"),
        ("/livez", "GET, HEAD"),
        ("/docs", "GET, HEAD"),
    ],
)
async def test_405_names_all_methods_of_the_path(path: str, allowed: str) -> None:
    """Those of each route there, not of the first one only."""
    async with calling() as client:
        responses = [await client.request(method, path) for method in ("PUT", "OPTIONS", "TRACE", "BREW")]
    for response in responses:
        assert response.status_code == 405
        assert response.headers["allow"] == allowed
        assert allowed in response.json()["detail"]


async def test_a_validation_error_points_at_its_cause() -> None:
    """Each fault of the body has a JSON pointer (RFC 6901) and says what is wrong."""
    async with calling() as client:
        response = await client.post("/api/users", json={"name": "", "a/b~c": 1})
    pointers = [error["pointer"] for error in response.json()["errors"]]
    assert pointers == ["#/body/name", "#/body/email", "#/body/a~1b~0c"]


async def test_a_failure_tells_the_client_nothing_but_the_request_id() -> None:
    """500 carries the headers of every answer, and no word of what went wrong."""
    async with running() as app, client_of(app, **TOKEN) as client:
        app.state.users = None
        response = await client.get("/api/users", headers={"x-request-id": "request-1"})
    assert response.status_code == 500
    assert response.headers["x-request-id"] == "request-1"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert "NoneType" not in response.text


@pytest.mark.parametrize("fast_path_enabled", [True, False])
async def test_a_browser_can_read_a_failure(*, fast_path_enabled: bool) -> None:
    """500 that nobody caught carries CORS, security and transport headers, each once, in production too."""
    origin = "https://app.example.com"
    settings = {"environment": "production", "cors_origins": [origin], "fast_path_enabled": fast_path_enabled}
    settings["database_url"] = "postgresql://nobody.invalid/users"
    async with running(**settings) as app, client_of(app, origin=origin) as client:
        app.state.authenticator.authenticate = None
        response = await client.get("/api/users/1", headers=TOKEN)
    assert response.status_code == 500
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["access-control-allow-origin"] == origin
    assert "Origin" in response.headers["vary"]
    assert "x-request-id" in response.headers["access-control-expose-headers"]
    for name in ("strict-transport-security", "x-content-type-options", "x-request-id"):
        assert len(response.headers.get_list(name)) == 1


async def test_a_failure_after_the_answer_has_begun_adds_no_second_one() -> None:
    """There is nothing left to say but to end."""

    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise ValueError

    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        raise AssertionError("nobody reads the body")

    with pytest.raises(ValueError, match=r"^$"):
        await UnexpectedErrorMiddleware(app)(http_scope(), receive, send)
    assert [message["type"] for message in sent] == ["http.response.start"]


def test_extensions_are_members_of_the_problem() -> None:
    """What the case adds stands beside the standard members."""
    assert b'"limit": 5' in problem_response(429, "Slow down.", limit=5).body
