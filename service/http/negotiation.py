import email.message
from collections.abc import Callable, Coroutine
from http import HTTPStatus
from typing import Any

from fastapi import HTTPException
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

JSON = "application/json"


class JsonRoute(APIRoute):
    """A route that takes and gives JSON only, and says so: 415 for another body, 406 for a client that wants none.

    It sits behind routing, so that 404 and 405 come first, and before the body is read.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return FastAPI's handler with the two checks before it."""
        handle = super().get_route_handler()
        takes_body = self.body_field is not None

        async def negotiate_and_handle(request: Request) -> Response:
            accept = request.headers.get("accept")
            if accept is not None and not accepts_json(accept):
                raise HTTPException(HTTPStatus.NOT_ACCEPTABLE, f"Answers are {JSON}; the Accept header rules it out.")
            if takes_body and has_body(request) and not is_json(request.headers.get("content-type", "")):
                raise HTTPException(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"Send the body as {JSON}.", {"accept": JSON})
            return await handle(request)

        return negotiate_and_handle


def has_body(request: Request) -> bool:
    """Tell whether a body is announced (RFC 9112, section 6.3)."""
    return request.headers.get("content-length", "0") != "0" or "transfer-encoding" in request.headers


def is_json(content_type: str) -> bool:
    """Tell whether a Content-Type is JSON, by its name or its suffix (RFC 6839), as FastAPI reads it."""
    message = email.message.Message()
    message["content-type"] = content_type
    subtype = message.get_content_subtype()
    return message.get_content_maintype() == "application" and (subtype == "json" or subtype.endswith("+json"))


def accepts_json(accept: str) -> bool:
    """Tell whether an Accept header allows JSON (RFC 9110, section 12.5.1); the most specific range decides."""
    best_specificity, is_accepted = -1, False
    for item in accept.split(","):
        media_range, *parameters = (part.strip().lower() for part in item.split(";"))
        specificity = {"*/*": 0, "application/*": 1, JSON: 2}.get(media_range, -1)
        if specificity > best_specificity:
            best_specificity, is_accepted = specificity, _quality(parameters) > 0
    return is_accepted or not accept.strip()


def _quality(parameters: list[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return float(value)
            except ValueError:
                return 0
    return 1
