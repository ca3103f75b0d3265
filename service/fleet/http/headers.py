from http import HTTPStatus

from starlette.types import ASGIApp, Receive, Scope, Send

from .problem import problem_response
from .state_key import StateKey

Fields = list[tuple[bytes, bytes]]

# One value each (RFC 9110, section 5.3), and two readers could take two lines of it differently.
SINGLETONS = frozenset(
    {
        *(b"authorization", b"content-length", b"content-type", b"host", b"idempotency-key", b"origin"),
        *(b"access-control-request-method", b"if-modified-since", b"if-range", b"if-unmodified-since", b"range"),
    }
)
REQUEST_ID = b"x-request-id"
REPEATED = StateKey[bytes]("repeated_header")
"""The name of a singleton that came twice, for `RepeatedHeaderMiddleware`."""


def combine(fields: Fields) -> tuple[Fields, bytes | None]:
    """Return each header on one line, and the name of a singleton that came on several; that one is left out.

    Other lines of one name make a list (RFC 9110, section 5.2). Of two request ids neither counts: a new one is made.
    """
    combined: dict[bytes, bytes] = {}
    repeated: set[bytes] = set()
    for name, value in fields:
        stripped = value.strip(b" \t")  # llhttp leaves the white space behind a value
        if name not in combined:
            combined[name] = stripped
        elif name in SINGLETONS or name == REQUEST_ID:
            repeated.add(name)
        else:
            combined[name] += (b"; " if name == b"cookie" else b", ") + stripped
    for name in repeated:
        del combined[name]
    return list(combined.items()), min(repeated - {REQUEST_ID}, default=None)


def field(scope: Scope, name: bytes) -> bytes | None:
    """Return the value of a header, by its name in lower case, behind `HeaderMiddleware`."""
    return next((value for key, value in scope["headers"] if key == name), None)


class HeaderMiddleware:
    """Puts each header on one line, so that this service and its libraries read it by the same rules."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with its headers combined."""
        if scope["type"] == "http":
            scope["headers"], repeated = combine(scope["headers"])
            if repeated is not None:
                REPEATED.put(scope, repeated)
        await self._app(scope, receive, send)


class RepeatedHeaderMiddleware:
    """Refuses a request with a singleton that came twice; behind the layers that count, limit and let browsers read."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 400 or pass on."""
        repeated = REPEATED.get(scope)
        if repeated is None:
            await self._app(scope, receive, send)
            return
        detail = f"The header {repeated.decode()} came more than once; send it once."
        await problem_response(HTTPStatus.BAD_REQUEST, detail)(scope, receive, send)
