import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.fleet.fastpath.middleware import _is_id
from service.fleet.fastpath.request import read_headers

TOKEN = (b"authorization", b"Bearer x")
MAX_ID = 2**53 - 1
Headers = list[tuple[bytes, bytes]]


@pytest.mark.parametrize(
    ("headers", "read"),
    [
        ([TOKEN], (b"Bearer x", None, None)),
        ([(b"host", b"h"), TOKEN, (b"accept", b"*/*")], (b"Bearer x", None, None)),
        ([(b"if-none-match", b"*"), TOKEN, (b"x-request-id", b"12345678")], (b"Bearer x", b"*", b"12345678")),
        ([], None),
        ([TOKEN, TOKEN], None),
        ([TOKEN, (b"if-none-match", b"*"), (b"if-none-match", b"*")], None),
        ([TOKEN, (b"x-request-id", b"1"), (b"x-request-id", b"2")], None),
        ([TOKEN, (b"origin", b"https://example.com")], None),
        ([TOKEN, (b"content-length", b"0")], None),
        ([TOKEN, (b"accept", b"text/html")], None),
    ],
)
def test_read_headers(headers: Headers, read: tuple[bytes | None, ...] | None) -> None:
    """A plain request's three headers are read; anything unusual is for the full stack."""
    assert read_headers({"headers": headers}) == read


@given(st.lists(st.tuples(st.binary(max_size=20), st.binary(max_size=20))))
def test_read_headers_never_raises(headers: Headers) -> None:
    """Any headers are read or passed on."""
    read = read_headers({"headers": [*headers, TOKEN]})
    assert read is None or read[0] == TOKEN[1]


@given(st.one_of(st.text(max_size=20), st.integers(min_value=0).map(str)))
def test_only_canonical_ids(text: str) -> None:
    """An id is taken only as the API itself writes it."""
    if _is_id(text, MAX_ID):
        assert str(int(text)) == text
        assert 0 < int(text) <= MAX_ID


@pytest.mark.parametrize(
    ("number", "taken"), [(str(MAX_ID), True), (str(MAX_ID + 1), False), ("1" + "0" * 5000, False)]
)
def test_no_id_beyond_the_highest(number: str, taken: bool) -> None:  # noqa: FBT001 - pytest's
    """What is too large to be an id is refused by the routes, and not looked for."""
    assert _is_id(number, MAX_ID) is taken
