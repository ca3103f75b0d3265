from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from service.fleet.ratelimit.client_ip import ClientIPResolver, parse_address

PROXY = "10.0.0.1"
RESOLVER = ClientIPResolver(["10.0.0.0/8", "fd00::/8"])


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "client"),
    [
        ("203.0.113.7", b"", "203.0.113.7"),
        ("203.0.113.7", b"198.51.100.1", "203.0.113.7"),
        (PROXY, b"", PROXY),
        (PROXY, b"198.51.100.1", "198.51.100.1"),
        (PROXY, b"1.1.1.1, 198.51.100.1", "198.51.100.1"),
        (PROXY, b"1.1.1.1,198.51.100.1 , 10.2.3.4", "198.51.100.1"),
        (PROXY, b"10.9.9.9, 10.2.3.4", "10.9.9.9"),
        (PROXY, b"198.51.100.1, not-an-address", PROXY),
        (PROXY, b"198.51.100.1, ", PROXY),
        (PROXY, b"198.51.100.1:4711", "198.51.100.1"),
        (PROXY, b"2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        (PROXY, b"[2001:db8:1:2:3:4:5:6]:443", "2001:db8:1:2::/64"),
        (PROXY, b"[2001:db8:1:2::1]", "2001:db8:1:2::/64"),
        (PROXY, b"fe80::1%eth0", "fe80::/64"),
        (PROXY, b"::ffff:198.51.100.1", "198.51.100.1"),
        ("::ffff:10.0.0.1", b"198.51.100.1", "198.51.100.1"),
        ("fd00::1", b"198.51.100.1", "198.51.100.1"),
        ("", b"198.51.100.1", "unknown"),
    ],
)
def test_resolve(peer: str, forwarded_for: bytes, client: str) -> None:
    """The client is the first address from the right that no trusted proxy has."""
    assert RESOLVER.resolve(peer, forwarded_for) == client


@given(st.binary(max_size=200))
def test_untrusted_peer_decides_nothing(forwarded_for: bytes) -> None:
    """Whatever an untrusted peer sends in X-Forwarded-For, it stays in its own bucket."""
    assert RESOLVER.resolve("203.0.113.7", forwarded_for) == "203.0.113.7"


@given(st.lists(st.ip_addresses(), max_size=5))
def test_left_of_the_client_decides_nothing(made_up: list[IPv4Address | IPv6Address]) -> None:
    """Whatever a client puts in front of what the proxy appends, it stays in its own bucket."""
    header = ", ".join([*map(str, made_up), "198.51.100.1"]).encode()
    assert RESOLVER.resolve(PROXY, header) == "198.51.100.1"


@given(st.text(max_size=60))
def test_parse_never_raises(text: str) -> None:
    """Any text is an address or None."""
    parsed = parse_address(text)
    assert parsed is None or str(parsed)


@given(st.ip_addresses(v=6), st.integers(min_value=0, max_value=2**64 - 1))
def test_ipv6_rotation_shares_a_bucket(address: IPv6Address, suffix: int) -> None:
    """All addresses of a /64 have one key."""
    neighbour = IPv6Address(int(address) >> 64 << 64 | suffix)
    assume(address.ipv4_mapped is None)
    assume(neighbour.ipv4_mapped is None)
    assert RESOLVER.resolve(str(address), b"") == RESOLVER.resolve(str(neighbour), b"")


def test_refuses_a_network_with_host_bits() -> None:
    """A CIDR with host bits set is a mistake, and said to be one."""
    with pytest.raises(ValueError, match="host bits"):
        ClientIPResolver(["10.0.0.1/8"])
