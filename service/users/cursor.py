import base64
import re

# Seven bytes hold every id (53 bits) and fit PostgreSQL's bigint. Base64url makes ten characters of them, the last of
# which has two bits to say: so this pattern, which OpenAPI shows, matches what decodes and nothing else.
PATTERN = "^[A-Za-z0-9_-]{9}[AQgw]$"
_BYTES = 7
_SYNTAX = re.compile(PATTERN[1:-1])


class CursorError(ValueError):
    """It is no cursor of ours."""


def encode(user_id: int) -> str:
    """Return the opaque position behind `user_id`; opaque, so that its form may change."""
    return base64.urlsafe_b64encode(user_id.to_bytes(_BYTES, "big")).rstrip(b"=").decode()


def decode(cursor: str) -> int:
    """Return the id that the page starts behind.

    Raises:
        CursorError: it was not made by `encode`.
    """
    if _SYNTAX.fullmatch(cursor) is None:
        raise CursorError(cursor)
    return int.from_bytes(base64.urlsafe_b64decode(cursor + "=="), "big")
