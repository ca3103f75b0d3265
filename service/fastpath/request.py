from starlette.types import Scope

# With one of these the full stack has more to do: CORS, ranges, preconditions, bodies, protocol changes.
_UNUSUAL = frozenset(
    {b"origin", b"range", b"if-match", b"content-length", b"transfer-encoding", b"expect", b"upgrade"},
)
_ACCEPTED = frozenset({b"*/*", b"application/json"})  # anything else is negotiated there


def read_headers(scope: Scope) -> tuple[bytes, bytes | None, bytes | None] | None:
    """Return Authorization, If-None-Match and X-Request-ID of a plain cached read; None for any other request.

    Where a header comes twice, which one counts is the full stack's decision.
    """
    authorization = if_none_match = request_id = None
    for name, value in scope["headers"]:
        if name == b"authorization":
            if authorization is not None:
                return None
            authorization = value
        elif name == b"if-none-match":
            if if_none_match is not None:
                return None
            if_none_match = value
        elif name == b"x-request-id":
            if request_id is not None:
                return None
            request_id = value
        elif name in _UNUSUAL or (name == b"accept" and value not in _ACCEPTED):
            return None
    if authorization is None:
        return None
    return authorization, if_none_match, request_id
