import hashlib
import json
from unittest import mock

import pytest

from tests.api import calling, client_of, running

pytestmark = pytest.mark.anyio

READ_ONLY = [{"sha256": hashlib.sha256(b"reader").hexdigest(), "subject": "reader", "scopes": ["users:read"]}]
USER = {"name": "Ada Lovelace", "email": "ada@example.com"}


async def test_a_missing_token_is_challenged() -> None:
    """Without a token the challenge names the realm and no error (RFC 6750, section 3.1)."""
    async with running() as app, client_of(app) as client:
        response = await client.get("/api/users/1")
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == 'Bearer realm="users-api"'
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["title"] == "Unauthorized"


async def test_a_wrong_token_is_told_so() -> None:
    """A token that doesn't hold is an invalid_token."""
    async with running() as app, client_of(app, authorization="Bearer wrong") as client:
        response = await client.get("/api/users/1")
    assert response.status_code == 401
    challenge = 'Bearer realm="users-api", error="invalid_token", error_description="The token is not known."'
    assert response.headers["www-authenticate"] == challenge


@pytest.mark.parametrize("fast_path_enabled", [True, False])
async def test_a_wrong_token_is_verified_once(monkeypatch: pytest.MonkeyPatch, *, fast_path_enabled: bool) -> None:
    """The rate limit and the route each ask who sends a request, and its token is looked at for the first of them."""
    async with (
        running(fast_path_enabled=fast_path_enabled) as app,
        client_of(app, authorization="Bearer wrong") as client,
    ):
        tokens = app.state.authenticator._static_tokens
        find = mock.Mock(wraps=tokens.find)
        monkeypatch.setattr(tokens, "find", find)
        for number in (1, 2):
            assert (await client.get("/api/users/1")).status_code == 401
            assert find.call_count == number


async def test_a_lacking_scope_is_named() -> None:
    """Who may read may not write: 403 says what is missing."""
    async with running(static_tokens=READ_ONLY) as app, client_of(app, authorization="Bearer reader") as client:
        assert (await client.get("/api/users/1")).status_code == 200
        refused = [
            await client.post("/api/users", json=USER),
            await client.patch("/api/users/1", json={}),
            await client.delete("/api/users/1"),
        ]
    assert {response.status_code for response in refused} == {403}
    challenge = 'Bearer realm="users-api", error="insufficient_scope", scope="users:write"'
    assert {response.headers["www-authenticate"] for response in refused} == {challenge}
    assert refused[0].json()["detail"] == "The token lacks the scope users:write."


async def test_the_scheme_is_documented() -> None:
    """OpenAPI tells clients to send a bearer token to each users operation."""
    async with calling() as client:
        document = (await client.get("/openapi.json")).json()
    paths = document["paths"]
    operations = [*paths["/api/users"].values(), *paths["/api/users/{user_id}"].values()]
    assert document["components"]["securitySchemes"] == {"bearer": {"type": "http", "scheme": "bearer"}}
    assert {json.dumps(operation["security"]) for operation in operations} == {'[{"bearer": []}]'}
