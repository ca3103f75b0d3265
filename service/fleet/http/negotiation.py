import re
from collections import Counter
from collections.abc import Callable, Coroutine
from http import HTTPStatus
from typing import Any

from fastapi import HTTPException
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

JSON = "application/json"
_PLAIN = frozenset({"*/*", JSON})  # as nearly all are
_MEDIA_TYPE = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+/[!#$%&'*+.^_`|~0-9A-Za-z-]+")
# A list's element; a comma in a quoted string divides nothing. A string without its end goes on to the header's.
_ELEMENT = re.compile(r'(?:[^,"]|"(?:\\.?|[^"\\])*(?:"|$))+')
_PARAMETER = re.compile(r'(?:[^;"]|"(?:\\.?|[^"\\])*(?:"|$))+')
_WEIGHT = re.compile(r"0(\.[0-9]{0,3})?|1(\.0{0,3})?")  # RFC 9110, section 12.4.2


class JsonRoute(APIRoute):
    """A route that takes and gives JSON only, and says so: 415 for another body, 406 for a client that wants none.

    It sits behind routing, so that 404 and 405 come first, and before the body is read. A query parameter comes once,
    as two readers could take two of them differently.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return FastAPI's handler with the checks before it."""
        handle = super().get_route_handler()
        takes_body = self.body_field is not None

        async def negotiate_and_handle(request: Request) -> Response:
            accept = request.headers.get("accept")
            if accept is not None and not accepts_json(accept):
                raise HTTPException(HTTPStatus.NOT_ACCEPTABLE, f"Answers are {JSON}; the Accept header rules it out.")
            if takes_body and has_body(request) and not is_json(request.headers.get("content-type", "")):
                raise HTTPException(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"Send the body as {JSON}.", {"accept": JSON})
            refuse_repetition(request)
            return await handle(request)

        return negotiate_and_handle


def has_body(request: Request) -> bool:
    """Tell whether a body is announced (RFC 9112, section 6.3)."""
    return request.headers.get("content-length", "0") != "0" or "transfer-encoding" in request.headers


def refuse_repetition(request: Request) -> None:
    """Raise RequestValidationError, which is answered by 422, for a query parameter that came twice."""
    if not request.scope["query_string"]:
        return
    counts = Counter(name for name, _ in request.query_params.multi_items())
    if repeated := [name for name, count in counts.items() if count > 1]:
        error = {"type": "repeated", "msg": "Name this parameter once"}
        raise RequestValidationError([{**error, "loc": ("query", name)} for name in repeated])


def is_json(content_type: str) -> bool:
    """Tell whether a Content-Type is JSON, by its name or its suffix (RFC 6839), as FastAPI reads it."""
    media_type = content_type.partition(";")[0].strip().lower()
    if _MEDIA_TYPE.fullmatch(media_type) is None:
        return False
    maintype, _, subtype = media_type.partition("/")
    return maintype == "application" and (subtype == "json" or subtype.endswith("+json"))


def media_ranges(accept: str) -> list[tuple[str, list[str], float]]:
    """Return the media ranges of an Accept header in lower case, with their parameters and quality."""
    ranges = []
    for element in _ELEMENT.findall(accept):
        name, *parameters = (part.strip() for part in _PARAMETER.findall(element) or [""])
        if name:
            ranges.append((name.lower(), parameters, _quality(parameters)))
    return ranges


def accepts_json(accept: str) -> bool:
    """Tell whether an Accept header allows JSON (RFC 9110, section 12.5.1); the most specific range decides."""
    if accept in _PLAIN:
        return True
    ranges = media_ranges(accept)
    best_specificity, is_accepted = -1, not ranges
    for media_range, _, quality in ranges:
        specificity = {"*/*": 0, "application/*": 1, JSON: 2}.get(media_range, -1)
        if specificity > best_specificity:
            best_specificity, is_accepted = specificity, quality > 0
    return is_accepted


def _quality(parameters: list[str]) -> float:
    """Return the weight; one that cannot be read counts as a refusal."""
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "q":
            return float(value) if _WEIGHT.fullmatch(value := value.strip()) else 0
    return 1
