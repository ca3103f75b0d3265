import re

from hypothesis import example, given
from hypothesis import strategies as st

from service.users import cursor
from service.users.cursor import CursorError


@given(st.integers(1, 2**53 - 1))
def test_a_cursor_leads_back_to_its_id(user_id: int) -> None:
    """Each id survives the way out and in, through characters that need no escape in a URL."""
    text = cursor.encode(user_id)
    assert text.isascii()
    assert text.replace("-", "").replace("_", "").isalnum()
    assert cursor.decode(text) == user_id


@given(st.text(max_size=20) | st.from_regex(cursor.PATTERN, fullmatch=True))
@example("AAAAAAAAAB")  # decodes to zero as well
@example("AAAAAAAAAA\n")
@example("é")
def test_any_text_is_a_cursor_of_ours_or_refused(text: str) -> None:
    """Each id has one cursor: nothing else decodes, and nothing fails in another way."""
    try:
        user_id = cursor.decode(text)
    except CursorError:
        assert re.fullmatch(cursor.PATTERN.rstrip("$") + r"\Z", text) is None
    else:
        assert cursor.encode(user_id) == text


def test_the_pattern_says_what_decodes() -> None:
    """What OpenAPI shows matches each cursor, from the smallest id to the largest."""
    assert all(re.fullmatch(cursor.PATTERN, cursor.encode(user_id)) for user_id in (0, 1, 2**53 - 1))
