from typing import NamedTuple

from starlette.types import Scope

# With one of these the full stack has more to do: CORS, ranges, preconditions, bodies, protocol changes.
_UNUSUAL = frozenset(
    {b"origin", b"range", b"if-match", b"content-length", b"transfer-encoding", b"expect", b"upgrade"},
)
_ACCEPTED = frozenset({b"*/*", b"application/json"})  # anything else is negotiated there
_READ = frozenset({b"authorization", b"if-none-match", b"x-request-id"})


class ReadHeaders(NamedTuple):
    """The headers that a cached read depends on."""

    authorization: bytes
    if_none_match: bytes | None
    request_id: bytes | None


def read_headers(scope: Scope) -> ReadHeaders | None:
    """Return what a plain cached read needs of the headers; None for any request that is not plain."""
    found: dict[bytes, bytes] = {}
    for name, value in scope["headers"]:
        if name in _READ:
            if name in found:  # which one counts is the full stack's decision
                return None
            found[name] = value
        elif name in _UNUSUAL or (name == b"accept" and value not in _ACCEPTED):
            return None
    authorization = found.get(b"authorization")
    if authorization is None:
        return None
    return ReadHeaders(authorization, found.get(b"if-none-match"), found.get(b"x-request-id"))
