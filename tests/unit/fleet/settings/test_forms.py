import re
from ipaddress import IPv4Address, IPv6Address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError
from starlette.routing import compile_path

from service.fleet.settings.forms import HTTP_URL, NETWORK, ORIGIN, REDIS_URL, ROUTE, SHA256, Form, Route

ROUTES = TypeAdapter(Route)
HOSTS = ["app.example.com", "localhost", "10.0.0.1", "[fd00::1]", "[::1]"]


def _mixed(address: IPv4Address | IPv6Address) -> str:
    """Write the last two groups as an IPv4 address, as Python 3.13 does for some."""
    number = int(address)
    groups = [f"{number >> bits & 0xFFFF:x}" for bits in range(112, 16, -16)]
    text = ":".join([*groups, str(IPv4Address(number & 0xFFFFFFFF))])
    return re.sub("(^|:)0(:0)+:", "::", text, count=1)


ADDRESSES = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6), st.ip_addresses(v=6).map(_mixed))


@given(ADDRESSES, st.integers(0, 140))
def test_a_network_is_what_python_takes_for_one(address: object, bits: int) -> None:
    """Any address and prefix length is a network if Python says so, host bits or not, but for /0."""
    text = f"{address}/{bits}"
    try:
        expected = bits > 0 and bool(ip_network(text, strict=False))
    except ValueError:
        expected = False
    assert bool(re.fullmatch(NETWORK.pattern, text)) is expected
    assert re.fullmatch(NETWORK.pattern, str(address))


@given(st.text("0123456789abcdef:./", max_size=20))
def test_what_is_taken_for_a_network_is_one(text: str) -> None:
    """Python reads whatever passes."""
    if re.fullmatch(NETWORK.pattern, text):
        assert ip_network(text, strict=False)


@given(st.from_regex(f"^({ROUTE.pattern})$", fullmatch=True))
def test_what_is_taken_for_a_route_is_one(route: str) -> None:
    """Starlette compiles whatever passes; what names a parameter twice doesn't, and is told why."""
    names = re.findall(r"[{](\w+)", route)
    if len(set(names)) == len(names):
        assert compile_path(ROUTES.validate_python(route))
    else:
        with pytest.raises(ValidationError, match="twice"):
            ROUTES.validate_python(route)


@pytest.mark.parametrize("host", HOSTS)
def test_addresses_are_taken(host: str) -> None:
    """Names, IPv4 and IPv6 addresses are hosts, with a port or without."""
    for port in ("", ":1", ":65535"):
        assert ORIGIN.check(f"https://{host}{port}")
        assert HTTP_URL.check(f"http://{host}{port}/keys?a=b")
        assert HTTP_URL.check(f"https://{host}{port}")
        assert REDIS_URL.check(f"rediss://user:pass@{host}{port}/0?ssl_ca_certs=/etc/ca.crt")
    assert REDIS_URL.check("unix:///run/redis.sock")
    assert REDIS_URL.check("redis://") == "redis://"


@pytest.mark.parametrize(
    ("form", "text"),
    [
        (ORIGIN, "*"),
        (ORIGIN, "https://app.example.com/"),
        (ORIGIN, "https://App.example.com"),
        (ORIGIN, "app.example.com"),
        (ORIGIN, "https://app.example.com:65536"),
        (ORIGIN, "https://app.example.com\n"),
        (HTTP_URL, "https://"),
        (HTTP_URL, "ftp://a"),
        (HTTP_URL, "http://a b"),
        (HTTP_URL, "http://a:99999"),
        (HTTP_URL, "http://[fd00::1"),
        (HTTP_URL, "http://[fd00::1::2]"),
        (REDIS_URL, "http://cache"),
        (REDIS_URL, "cache:6379"),
        (SHA256, "ab"),
        (SHA256, "g" * 64),
        (ROUTE, "api"),
        (ROUTE, "/{x:foo}"),
        (ROUTE, "/{x"),
    ],
)
def test_other_texts_are_refused_with_an_example(form: Form, text: str) -> None:
    """The message says what is wanted, not which pattern was missed."""
    with pytest.raises(ValueError, match=re.escape(form.wanted)):
        form.check(text)
