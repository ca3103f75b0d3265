from http import HTTPStatus

from fastapi import Request
from starlette.responses import Response

from service.database.errors import DatabaseUnavailableError
from service.fleet.http.problem import problem_response

RETRY_AFTER_SECONDS = 1


async def unavailable(_request: Request, error: Exception) -> Response:
    """Answer 503: the database has no answer. The reason stays in the log."""
    assert isinstance(error, DatabaseUnavailableError)  # noqa: S101 - registered for this type only
    if error.reason in {"busy", "full"}:
        detail = "Too many requests wait for the database; ask again in a moment."
    elif error.may_have_happened:
        detail = (
            "The database did not answer, and may have carried the request out: look before you repeat it, or repeat it"
            " with its Idempotency-Key."
        )
    elif error.reason == "exhausted":
        detail = "The database can't do this now, for want of disk or memory; nothing was changed. Ask again later."
    else:
        detail = "The database does not answer; nothing was changed. Ask again in a moment."
    headers = {"retry-after": str(RETRY_AFTER_SECONDS)}
    return problem_response(HTTPStatus.SERVICE_UNAVAILABLE, detail, headers=headers)
