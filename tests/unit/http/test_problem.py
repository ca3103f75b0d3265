import pytest

from service.http.problem import problem_response
from tests.api import TOKEN, calling, client_of, running

pytestmark = pytest.mark.anyio

JSON = {"content-type": "application/json"}


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
    [("/api/users/1", "GET, PATCH, DELETE"), ("/api/users", "GET, POST"), ("/livez", "GET"), ("/docs", "GET, HEAD")],
)
async def test_405_names_all_methods_of_the_path(path: str, allowed: str) -> None:
    """Those of each route there, not of the first one only."""
    async with calling() as client:
        response = await client.put(path)
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


def test_extensions_are_members_of_the_problem() -> None:
    """What the case adds stands beside the standard members."""
    assert b'"limit": 5' in problem_response(429, "Slow down.", limit=5).body
