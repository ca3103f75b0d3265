import base64
import binascii
import re

_CONTENT = re.compile(rb"users:([1-9][0-9]{0,15})")


class CursorError(ValueError):
    """It is no cursor of ours."""


def encode(user_id: int) -> str:
    """Return the opaque position behind `user_id`; opaque, so that its form may change."""
    return base64.urlsafe_b64encode(f"users:{user_id}".encode()).rstrip(b"=").decode()


def decode(cursor: str) -> int:
    """Return the id that the page starts behind.

    Raises:
        CursorError: it was not made by `encode`.
    """
    try:
        content = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise CursorError(cursor) from None
    match = _CONTENT.fullmatch(content)
    if match is None or encode(int(match[1])) != cursor:
        raise CursorError(cursor)
    return int(match[1])
