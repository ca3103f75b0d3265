from http import HTTPStatus
from typing import Annotated

from fastapi import Header, HTTPException

from .errors import ConflictingKeyError, InProgressError

Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        pattern="^[!-~]+$",
        description="Drawn by the client for each new request and sent again with each repetition of it.",
    ),
]


def refusal(error: ConflictingKeyError | InProgressError) -> HTTPException:
    """Return what a client is told of a key that it may not use, or not yet."""
    if isinstance(error, ConflictingKeyError):
        detail = "This Idempotency-Key came with another request before; a new request takes a new key."
        return HTTPException(HTTPStatus.UNPROCESSABLE_ENTITY, detail)
    detail = "The first request with this Idempotency-Key is being carried out; ask again in a second."
    return HTTPException(HTTPStatus.CONFLICT, detail, {"retry-after": "1"})
