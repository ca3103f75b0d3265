import socket

import pytest

from service.fleet.server import gunicorn
from service.fleet.server.address import AddressError, bind_string, listener, resolve
from service.fleet.server.config import ServerConfig

NOTHING = "nothing:nothing"  # is loaded here


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("0.0.0.0", "0.0.0.0"),  # noqa: S104 - what is tested
        ("::1", "::1"),
        ("[::1]", "::1"),
        ("::", "::"),
        ("[::]", "::"),
        ("0:0:0:0:0:0:0:1", "::1"),
    ],
)
def test_an_address_is_bound_as_it_is_meant(host: str, address: str) -> None:
    """IPv4 and IPv6, with brackets or without; gunicorn gets the brackets that it needs."""
    settings = ServerConfig(NOTHING, host=host, port=0)
    assert resolve(settings) == address
    expected = f"[{address}]:0" if ":" in address else f"{address}:0"
    assert gunicorn.options(settings)["bind"] == bind_string(address, 0) == expected


def test_a_name_is_bound_at_its_first_address() -> None:
    """The same one by every server."""
    assert resolve(ServerConfig(NOTHING, host="localhost", port=0)) in {"127.0.0.1", "::1"}


def test_all_addresses_are_those_of_ipv4_where_the_kernel_has_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """`::` is what a container may always be given."""
    monkeypatch.setattr(socket, "has_dualstack_ipv6", lambda: False)
    assert resolve(ServerConfig(NOTHING, host="::", port=0)) == "0.0.0.0"  # noqa: S104 - what is tested


@pytest.mark.parametrize(
    "host", ["192.0.2.1", "2001:db8::1", "no-such-host.invalid", "a..b", "127.0.0.1:8000", "x" * 70]
)
def test_what_is_no_address_of_this_machine_is_named(host: str) -> None:
    """The message says which setting is wrong, and what it was."""
    with pytest.raises(AddressError, match=r"SHOP_HOST.*"):
        resolve(ServerConfig(NOTHING, prefix="SHOP_", host=host, port=0))


def test_a_port_that_is_taken_is_named() -> None:
    """At once, where gunicorn would try for five seconds."""
    with listener("127.0.0.1", 0) as taken, pytest.raises(AddressError, match=f"127.0.0.1:{taken.getsockname()[1]} "):
        resolve(ServerConfig(NOTHING, host="127.0.0.1", port=taken.getsockname()[1]))


def test_all_addresses_are_of_both_families() -> None:
    """A socket on `::` takes connections over IPv4 too, and none of them waits for Nagle."""
    with listener("::", 0) as bound:
        port = bound.getsockname()[1]
        for address in ("127.0.0.1", "::1"):
            socket.create_connection((address, port), 10).close()
        assert bound.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
