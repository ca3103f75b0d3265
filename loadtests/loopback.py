import socket
from typing import Any


def resolve_below_localhost() -> None:
    """Have this process find every name below `localhost` on this host, as k6's scripts, browsers and curl do.

    So it is meant: https://www.rfc-editor.org/rfc/rfc6761#section-6.3. A resolver without a service for it asks a name
    server, which knows no such name.
    """
    ask = socket.getaddrinfo

    def answer(host: Any, *arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - what the original takes and gives
        below = isinstance(host, str) and host.lower().rstrip(".").endswith(".localhost")
        return ask("localhost" if below else host, *arguments, **named)

    socket.getaddrinfo = answer
