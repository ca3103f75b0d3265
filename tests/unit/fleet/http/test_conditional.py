import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.fleet.http.conditional import ANY, is_listed, is_match, parse

ETAG = b'"abc"'


@pytest.mark.parametrize(
    ("value", "strongly", "weakly"),
    [
        (b'"abc"', True, True),
        (b'W/"abc"', False, True),
        (b'"x", "abc"', True, True),
        (b'"x","y" , W/"abc"', False, True),
        (b',, "abc",\t,', True, True),
        (b'"a,b", "abc"', True, True),
        (b"*", True, True),
        (b" * ", True, True),
        (b'"x"', False, False),
        (b"abc", False, False),
        (b'"ab', False, False),
        (b"", False, False),
        (b",", False, False),
        (b'"*"', False, False),
        (b'w/"abc"', False, False),
        (b'W/ "abc"', False, False),
        (b'*, "abc"', False, False),
        (b'"abc" "abc"', False, False),
        (b'"abc", x', False, False),
        (b'"ABC"', False, False),
    ],
)
def test_entity_tags_are_compared(value: bytes, strongly: bool, weakly: bool) -> None:  # noqa: FBT001 - pytest's
    """If-Match takes no weak tag, If-None-Match does; both take lists and *; what is malformed matches nothing."""
    assert is_match(value, ETAG) is strongly
    assert is_listed(value, ETAG) is weakly


@given(st.binary(max_size=100))
def test_any_value_is_understood_somehow(value: bytes) -> None:
    """No bytes fail, and what can't be read matches nothing."""
    if parse(value) is None:
        assert not is_match(value, ETAG)
        assert not is_listed(value, ETAG)


_CHARACTERS = st.sampled_from([byte for byte in range(0x21, 0x100) if byte not in {0x22, 0x7F}])
_TAGS = st.lists(_CHARACTERS, max_size=5).map(lambda characters: b'"%s"' % bytes(characters))


@given(st.lists(st.tuples(st.booleans(), _TAGS)), st.sampled_from([b",", b", ", b" ,, "]))
def test_a_list_is_read_back(tags: list[tuple[bool, bytes]], comma: bytes) -> None:
    """However its elements are separated; the asterisk alone is no list."""
    assert parse(comma.join((b"W/" if is_weak else b"") + tag for is_weak, tag in tags)) == tags
    assert parse(b"*") == ANY
