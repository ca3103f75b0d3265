import pytest
from starlette.types import Receive, Scope, Send

from service.fleet.http.security_headers import SecurityHeadersMiddleware
from tests.api import TOKEN, calling
from tests.asgi import call

pytestmark = pytest.mark.anyio

EXPECTED = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
}
PRODUCTION = {"environment": "production", "static_tokens": [], "database_url": "postgresql://nobody.invalid/users"}


@pytest.mark.parametrize("path", ["/api/users/1", "/api/users", "/nowhere", "/livez", "/metrics"])
async def test_each_answer_has_them(path: str) -> None:
    """Once each, on success and error, from the routes and from the caches."""
    async with calling() as client:
        for _ in range(2):
            response = await client.get(path)
    assert {name: response.headers.get_list(name) for name in EXPECTED} == {
        name: [value] for name, value in EXPECTED.items()
    }
    assert response.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"


async def test_https_is_demanded_in_production_only() -> None:
    """On localhost the header would reach every other project on it."""
    async with calling() as client:
        assert "strict-transport-security" not in (await client.get("/livez")).headers
    async with calling(**PRODUCTION) as client:
        assert (await client.get("/livez")).headers[
            "strict-transport-security"
        ] == "max-age=31536000; includeSubDomains"


async def test_the_docs_page_may_load_its_parts() -> None:
    """Its policy names where they come from; it can't be framed either."""
    async with calling() as client:
        policy = (await client.get("/docs")).headers["content-security-policy"]
    assert "script-src 'self' 'unsafe-inline' https://cdn.jsdelivr.net" in policy
    assert "frame-ancestors 'none'" in policy


@pytest.mark.parametrize(
    ("settings", "status"), [(PRODUCTION, 404), ({**PRODUCTION, "docs_enabled": True}, 200), ({}, 200)]
)
async def test_docs_are_off_in_production_unless_set(settings: dict[str, object], status: int) -> None:
    """The page and the description go together."""
    async with calling(**settings) as client:
        assert [(await client.get(path)).status_code for path in ("/docs", "/openapi.json")] == [status, status]


async def test_cors_is_for_the_origins_named() -> None:
    """A page of theirs may call with a token and read the headers it needs; one of another origin may not."""
    asked = {"access-control-request-method": "PATCH", "access-control-request-headers": "authorization"}
    async with calling(cors_origins=["https://app.example.com"]) as client:
        preflight = await client.options("/api/users/1", headers={"origin": "https://app.example.com", **asked})
        actual = await client.get("/api/users/1", headers={**TOKEN, "origin": "https://app.example.com"})
        foreign = await client.get("/api/users/1", headers={**TOKEN, "origin": "https://evil.example.com"})
    assert preflight.status_code == 200
    assert preflight.headers["access-control-allow-origin"] == "https://app.example.com"
    assert "PATCH" in preflight.headers["access-control-allow-methods"]
    assert actual.headers["access-control-allow-origin"] == "https://app.example.com"
    assert "x-cache" in actual.headers["access-control-expose-headers"]
    assert "access-control-allow-origin" not in foreign.headers
    assert "access-control-allow-credentials" not in actual.headers


async def test_no_origin_is_allowed_by_default() -> None:
    """Without origins in the settings no answer speaks of CORS."""
    async with calling() as client:
        response = await client.get("/api/users/1", headers={**TOKEN, "origin": "https://app.example.com"})
    assert not [name for name in response.headers if name.startswith("access-control")]


async def test_the_lifespan_has_no_headers() -> None:
    """Other protocols pass."""
    seen: list[str] = []

    async def app(scope: Scope, _receive: Receive, _send: Send) -> None:
        seen.append(scope["type"])

    await call(SecurityHeadersMiddleware(app, hsts=False), {"type": "lifespan"})
    assert seen == ["lifespan"]
