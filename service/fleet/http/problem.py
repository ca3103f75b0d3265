import json
from collections.abc import Mapping
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MEDIA_TYPE = "application/problem+json"
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
Problem = dict[str, object]


def problem_response(
    status: int, detail: str, *, headers: Mapping[str, str] | None = None, **extensions: object
) -> Response:
    """Return the one shape that every error has (RFC 9457): type, title, status, detail, and what the case adds."""
    title = HTTPStatus(status).phrase
    problem: Problem = {"type": "about:blank", "title": title, "status": status, "detail": detail, **extensions}
    return Response(json.dumps(problem), status, {"cache-control": "no-store", **(headers or {})}, MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Make `app` answer each of its errors as a problem document."""
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _validation)


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this type only
    detail, headers = error.detail, dict(error.headers or {})
    if error.status_code == HTTPStatus.NOT_FOUND and detail == HTTPStatus.NOT_FOUND.phrase:
        detail = f"There is nothing at {request.scope['path']}."
    elif error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        headers = {"allow": ", ".join(allowed_methods(request))}
        detail = f"{request.method} is not possible at {request.scope['path']}; possible: {headers['allow']}."
    return problem_response(error.status_code, detail, headers=headers)


def allowed_methods(request: Request) -> list[str]:
    """Return every method that some route has for the request's path; Starlette names those of the first one only."""
    routes = request.app.router.routes
    scopes = {method: {**request.scope, "method": method} for method in METHODS}
    methods = [
        method for method, scope in scopes.items() if any(route.matches(scope)[0] is Match.FULL for route in routes)
    ]
    return ["GET", "HEAD", *methods[1:]] if methods[:1] == ["GET"] else methods


async def _validation(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this type only
    errors = [{"pointer": _pointer(item["loc"]), "detail": item["msg"]} for item in error.errors()]
    detail = "The request does not have the expected form; see errors."
    return problem_response(HTTPStatus.UNPROCESSABLE_ENTITY, detail, errors=errors)


def _pointer(location: tuple[int | str, ...]) -> str:
    return "#/" + "/".join(str(part).replace("~", "~0").replace("/", "~1") for part in location)


class UnexpectedErrorMiddleware:
    """Answers 500 where nobody else caught an error, within the layers that every answer passes, and raises it again.

    Starlette's own answer is sent outside all of them: without CORS headers a browser shows it as a network error.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        is_answered = False

        async def send_noting_answer(message: Message) -> None:
            nonlocal is_answered
            is_answered = True
            await send(message)

        try:
            await self._app(scope, receive, send_noting_answer)
        except Exception:
            if scope["type"] == "http" and not is_answered:
                detail = "The service failed. The request id in x-request-id helps to find out why."
                await problem_response(HTTPStatus.INTERNAL_SERVER_ERROR, detail)(scope, receive, send)
            raise
