from http import HTTPStatus

from starlette.types import ASGIApp, Receive, Scope, Send

from .problem import problem_response


class RoutingMiddleware:
    """What FastAPI's router lacks: HEAD is answered wherever GET is, and a path has one spelling.

    The router sees a GET and the server leaves the body out (RFC 9110, section 9.3.2). An encoded slash is not a slash
    (RFC 3986, section 2.2), but in the decoded path it looks like one; a line feed at the end passes the `$` of the
    router's patterns.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, HEAD as GET; answer 404 to a path that is spelt in another way."""
        if scope["type"] == "http":
            if b"%2f" in (scope.get("raw_path") or b"").lower() or scope["path"].endswith("\n"):
                response = problem_response(HTTPStatus.NOT_FOUND, "There is nothing at this path.")
                await response(scope, receive, send)
                return
            if scope["method"] == "HEAD":
                scope = {**scope, "method": "GET"}
        await self._app(scope, receive, send)
