from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPBearer
from starlette.responses import Response

from service import NAME
from service.auth.authenticator import Authenticator
from service.auth.errors import UnauthenticatedError
from service.auth.principal import Principal
from service.fleet.http.problem import problem_response

# Documents the scheme in OpenAPI; the parsing is ours, as FastAPI's knows no 401 with a reason.
_scheme = HTTPBearer(auto_error=False, scheme_name="bearer")


class ForbiddenError(Exception):
    """The caller is known, and lacks a scope."""

    def __init__(self, scope: str) -> None:
        super().__init__(scope)
        self.scope = scope


def requires(scope: str) -> Callable[..., Awaitable[Principal]]:
    """Return a dependency that yields the principal if it has `scope`."""

    async def principal(request: Request, _documented: Annotated[object, Depends(_scheme)]) -> Principal:
        authenticator: Authenticator = request.app.state.authenticator
        found = await authenticator.authenticate_request(request.scope)
        if scope not in found.scopes:
            raise ForbiddenError(scope)
        return found

    return principal


async def unauthenticated(_request: Request, error: Exception) -> Response:
    """Answer 401 with the challenge of RFC 6750, section 3."""
    assert isinstance(error, UnauthenticatedError)  # noqa: S101 - registered for this type only
    challenge = f'Bearer realm="{NAME}"'
    if not error.is_missing:
        challenge += f', error="invalid_token", error_description="{error.detail}"'
    return problem_response(401, error.detail, headers={"www-authenticate": challenge})


async def forbidden(_request: Request, error: Exception) -> Response:
    """Answer 403 and name the scope that is missing."""
    assert isinstance(error, ForbiddenError)  # noqa: S101 - registered for this type only
    challenge = f'Bearer realm="{NAME}", error="insufficient_scope", scope="{error.scope}"'
    return problem_response(403, f"The token lacks the scope {error.scope}.", headers={"www-authenticate": challenge})
