from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

Address = IPv4Address | IPv6Address

IPV6_PREFIX_BITS = 64  # what one subscriber gets (RFC 6177), so what one client may rotate through


class ClientIPResolver:
    """The client's address as a rate limit key, from the peer and X-Forwarded-For.

    The header is believed only as far as trusted proxies wrote it: it is walked from the right, and the first address
    that is not a trusted proxy's is the client. What stands left of it, the client may have made up. A malformed entry
    ends the walk at the proxy that sent it.
    """

    def __init__(self, trusted_proxies: Sequence[str]) -> None:
        self._trusted = tuple(ip_network(cidr) for cidr in trusted_proxies)
        self.resolve = lru_cache(maxsize=4096)(self._resolve)  # parsing takes 3 to 8 us, a hit 0.1 us

    def _resolve(self, peer: str, forwarded_for: bytes) -> str:
        """`peer` as ASGI's client host; `forwarded_for` the header's values in order, joined by commas, or b""."""
        client = parse_address(peer)
        if client is None:  # a Unix socket
            return "unknown"
        hops = forwarded_for.decode("latin-1").split(",") if forwarded_for else []
        while hops and self._is_trusted(client):
            hop = parse_address(hops.pop())
            if hop is None:
                break
            client = hop
        return as_key(client)

    def _is_trusted(self, address: Address) -> bool:
        return any(address in network for network in self._trusted)


def parse_address(text: str) -> Address | None:
    """An address as proxies write it: bare, `1.2.3.4:56`, `[::1]` or `[::1]:56`; None for anything else."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def as_key(address: Address) -> str:
    """The address, or the /64 network of an IPv6 address."""
    if isinstance(address, IPv4Address):
        return str(address)
    return str(ip_network((address, IPV6_PREFIX_BITS), strict=False))
