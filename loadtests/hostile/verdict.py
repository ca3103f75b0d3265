from http import HTTPStatus

from loadtests.hostile.malformed import FOLLOW_UP, SMUGGLED
from loadtests.hostile.wire import Reply


def fault(reply: Reply, *, by_proxy: bool) -> str | None:
    """Say what is wrong with the reply to an attack and the innocent request behind it; None: all is well.

    An attack gets 4xx or is cut, and whatever else is answered on the connection comes in the order it was sent in. A
    proxy may cut with a 5xx of its own, and may read the message by the one of its lengths that RFC 9112 (6.3) prefers:
    then what follows that length is the next request of the same client, and no harm to anyone. A server that answers
    itself must take neither liberty.
    """
    if not reply.answers:
        return None if reply.closed else "it is neither answered nor cut"
    first, *behind = reply.answers
    cut = reply.closed and not behind
    refused = HTTPStatus.BAD_REQUEST <= first.status < HTTPStatus.INTERNAL_SERVER_ERROR
    if not refused and not (by_proxy and cut and first.status >= HTTPStatus.INTERNAL_SERVER_ERROR):
        return f"it is answered {first.status}"
    ids = [answer.request_id for answer in behind]
    if not by_proxy and SMUGGLED in ids:
        return "what it smuggled is answered"
    if ids not in ([], [FOLLOW_UP], [SMUGGLED], [SMUGGLED, FOLLOW_UP]):
        return f"behind it come the answers to {', '.join(ids)}"
    return None


def was_split(reply: Reply) -> bool:
    """Whether the smuggled request was taken for one of its own, on the attacker's own connection."""
    return any(answer.request_id == SMUGGLED for answer in reply.answers)
