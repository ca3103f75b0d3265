from http import HTTPStatus

from starlette.types import Scope

from ..http.problem import problem_response
from ..observability.access_log import REFUSED

RETRY_AFTER_SECONDS = 1
_RESPONSE = problem_response(
    HTTPStatus.SERVICE_UNAVAILABLE,
    "This replica has more requests than it can answer in time; nothing was done. Ask again in a moment.",
    headers={"retry-after": str(RETRY_AFTER_SECONDS)},
)


def refusal(scope: Scope) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    """Return status, headers and body of a refusal, which is to cost next to nothing."""
    REFUSED.put(scope, True)  # noqa: FBT003 - a mark
    return _RESPONSE.status_code, list(_RESPONSE.raw_headers), bytes(_RESPONSE.body)
