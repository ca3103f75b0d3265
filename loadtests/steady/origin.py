import os
import socket
from typing import Any

from loadtests.errors import LoadTestError
from loadtests.loopback import resolve_below_localhost

_CONNECT_SECONDS = 5


class Origin:
    """Where the requests go: found once, as a name server's time is none of the application's."""

    def __init__(self, host: str, port: int, *, is_tls: bool) -> None:
        """Find the address that answers, of those that the name has.

        Raises:
            LoadTestError: it has none, or what says whom to trust makes no sense.
        """
        resolve_below_localhost()
        self.host = host
        self.family, self.address = _found(host, port)
        self.tls: Any = None
        self.not_now: tuple[type[OSError], ...] = (BlockingIOError,)
        if is_tls:
            self.tls, self.not_now = _tls()


def _found(host: str, port: int) -> tuple[socket.AddressFamily, Any]:
    try:
        found = [(each[0], each[4]) for each in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    except socket.gaierror as error:
        raise LoadTestError(f"{host} has no address: {error.strerror}") from error
    # localhost is ::1 and 127.0.0.1, and may be served at one of them.
    for family, address in found:
        with socket.socket(family, socket.SOCK_STREAM) as tried:
            tried.settimeout(_CONNECT_SECONDS)
            if not tried.connect_ex(address):
                return family, address
    return found[0]


def _tls() -> tuple[Any, tuple[type[OSError], ...]]:
    import ssl  # noqa: PLC0415 - only where it is needed: it takes as long as all the rest

    from loadtests.trust import trust  # noqa: PLC0415 - likewise

    context = trust(os.environ)
    context.set_alpn_protocols(["http/1.1"])
    return context, (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)
