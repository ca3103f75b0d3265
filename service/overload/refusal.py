import json
from http import HTTPStatus

from starlette.types import Scope

from service.observability.access_log import REFUSED

RETRY_AFTER_SECONDS = 1
_BODY = json.dumps(
    {
        "type": "about:blank",
        "title": HTTPStatus.SERVICE_UNAVAILABLE.phrase,
        "status": 503,
        "detail": "This replica has more requests than it can answer in time; nothing was done. Ask again in a moment.",
    }
).encode()
_HEADERS = (
    (b"content-type", b"application/problem+json"),
    (b"content-length", b"%d" % len(_BODY)),
    (b"retry-after", b"%d" % RETRY_AFTER_SECONDS),
    (b"cache-control", b"no-store"),
)


def refusal(scope: Scope) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    """Return status, headers and body of a refusal, which is to cost next to nothing."""
    REFUSED.put(scope, True)  # noqa: FBT003 - a mark
    return HTTPStatus.SERVICE_UNAVAILABLE, list(_HEADERS), _BODY
