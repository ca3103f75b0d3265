from starlette.types import Scope

# With one of these the full stack has more to do: CORS, ranges, preconditions, bodies, protocol changes.
_UNUSUAL = frozenset(
    {b"origin", b"range", b"if-match", b"content-length", b"transfer-encoding", b"expect", b"upgrade"},
)
_ACCEPTED = frozenset({b"*/*", b"application/json"})  # anything else is negotiated there


def read_headers(scope: Scope) -> tuple[bytes, bytes | None, bytes | None] | None:
    """Return Authorization, If-None-Match and X-Request-ID of a plain cached read; None for any other request.

    Where a header comes twice, what that means is the full stack's decision.
    """
    headers: dict[bytes, bytes] = dict(scope["headers"])
    authorization = headers.get(b"authorization")
    if (
        authorization is None
        or len(headers) != len(scope["headers"])
        or not _UNUSUAL.isdisjoint(headers)
        or headers.get(b"accept", b"*/*") not in _ACCEPTED
    ):
        return None
    return authorization, headers.get(b"if-none-match"), headers.get(b"x-request-id")
