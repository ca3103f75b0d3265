import socket

from .config import ServerConfig

ANY_IPV6, ANY_IPV4 = "::", "0.0.0.0"  # noqa: S104 - what a container listens on


class AddressError(Exception):
    """Nothing can listen on the address of the settings."""


def resolve(server: ServerConfig) -> str:
    """Return the address to listen on: that of the settings, or the first that their host name has.

    `::` is every address of both families; on a kernel without IPv6 it becomes 0.0.0.0. Binding is tried here, as the
    servers each fail in their own way: gunicorn tries for five seconds, granian ends in a traceback.

    Raises:
        AddressError: the host is none of this machine's, or the port can't be had; the message says which.
    """
    host = server.host.removeprefix("[").removesuffix("]")
    if host == ANY_IPV6 and not socket.has_dualstack_ipv6():
        host = ANY_IPV4
    try:
        family, _, _, _, address = socket.getaddrinfo(
            host, server.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (OSError, UnicodeError) as error:
        raise AddressError(
            f"{server.prefix}HOST: {server.host} is no address of this machine ({_reason(error)});"
            " name one, such as 127.0.0.1, or :: for all"
        ) from None
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        name = bind_string(str(address[0]), server.port)
        raise AddressError(
            f"{server.prefix}HOST, {server.prefix}PORT: nothing can listen on {name} ({_reason(error)})"
        ) from None
    return str(address[0])


def bind_string(address: str, port: int) -> str:
    """Return `address` and `port` in one, with the brackets that IPv6 needs."""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def listener(address: str, port: int) -> socket.socket:
    """Return a bound socket, for both families if `address` is `::`; event loops would take IPv6 alone there."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    bound = socket.create_server((address, port), family=family, dualstack_ipv6=address == ANY_IPV6)
    # Connections inherit it.
    bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return bound


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
