import re

from service.auth.errors import UnauthenticatedError

MAX_TOKEN_BYTES = 8192
_SYNTAX = re.compile(rb"[A-Za-z0-9._~+/-]+=*")  # b64token of RFC 6750, section 2.1


def parse(authorization: bytes | None) -> bytes:
    """Return the token of an Authorization header.

    Raises:
        UnauthenticatedError: there is none, the scheme is another one, or it isn't a token by its syntax.
    """
    if authorization is None:
        raise UnauthenticatedError("Send an Authorization header: Bearer and a token.", is_missing=True)
    scheme, _, token = authorization.strip(b" ").partition(b" ")
    token = token.lstrip(b" ")
    if scheme.lower() != b"bearer":
        raise UnauthenticatedError("The Authorization header must be of the scheme Bearer.", is_missing=True)
    if len(token) > MAX_TOKEN_BYTES or _SYNTAX.fullmatch(token) is None:
        raise UnauthenticatedError("What follows Bearer is not a token.")
    return token
