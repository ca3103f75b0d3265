import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from service.auth import UnauthenticatedError, bearer

TOKEN_CHARACTERS = "ABCXYZabcxyz0189-._~+/"
DETAILS = {
    "The Authorization header must be of the scheme Bearer.",
    "What follows Bearer is not a token.",
}


@pytest.mark.parametrize("header", [b"Bearer abc.def-ghi", b"bearer abc.def-ghi", b"  BEARER   abc.def-ghi  "])
def test_the_token_is_what_follows_the_scheme(header: bytes) -> None:
    """The scheme's case and the blanks around do not matter (RFC 9110, section 11.1)."""
    assert bearer.parse(header) == b"abc.def-ghi"


@pytest.mark.parametrize("header", [None, b"", b"Basic dXNlcjpwYXNz", b"Bearerabc", b"\tBearer abc"])
def test_no_bearer_is_a_missing_token(header: bytes | None) -> None:
    """Without the scheme the challenge names no error (RFC 6750, section 3.1)."""
    with pytest.raises(UnauthenticatedError) as caught:
        bearer.parse(header)
    assert caught.value.is_missing


@pytest.mark.parametrize("token", [b"", b"a b", b"a,b", b"=a", b"a\n", b"\xff", b"a" * 8193])
def test_what_is_no_token_is_refused(token: bytes) -> None:
    """What doesn't follow b64token's syntax, or is longer than any token we take, is an invalid token."""
    with pytest.raises(UnauthenticatedError) as caught:
        bearer.parse(b"Bearer " + token)
    assert not caught.value.is_missing


@given(st.binary(max_size=200))
@example(b"Bearer \x00")
def test_any_bytes_parse_or_are_refused(header: bytes) -> None:
    """Whatever bytes arrive, the outcome is a token found in them or a fixed sentence that holds none of them."""
    try:
        token = bearer.parse(header)
    except UnauthenticatedError as error:
        assert error.detail in DETAILS  # noqa: PT017 - both outcomes are right
    else:
        assert token
        assert token in header


@given(st.text(alphabet=TOKEN_CHARACTERS, min_size=1, max_size=100), st.integers(0, 2))
def test_every_token_by_the_grammar_is_taken(token: str, padding: int) -> None:
    """No token that RFC 6750 allows is refused for its form."""
    encoded = token.encode() + b"=" * padding
    assert bearer.parse(b"Bearer " + encoded) == encoded
