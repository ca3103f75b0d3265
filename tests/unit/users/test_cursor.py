import base64

import pytest
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


@given(st.text(max_size=80) | st.binary(max_size=40).map(lambda content: base64.urlsafe_b64encode(content).decode()))
@example("dXNlcnM6MQ==")  # right but for its padding
@example("dXNlcnM6MR")  # decodes to users:1 as well
@example("é")
def test_any_text_is_a_cursor_of_ours_or_refused(text: str) -> None:
    """Each id has one cursor: nothing else decodes, and nothing fails in another way."""
    try:
        user_id = cursor.decode(text)
    except CursorError:
        assert text not in {cursor.encode(number) for number in range(1, 100)}
    else:
        assert cursor.encode(user_id) == text


@pytest.mark.parametrize("content", ["users:0", "users:-1", "users:01", "orders:1", "users:1\n", "users:٣"])
def test_only_ids_are_positions(content: str) -> None:
    """Well-formed base64 of something else is refused."""
    with pytest.raises(CursorError):
        cursor.decode(base64.urlsafe_b64encode(content.encode()).rstrip(b"=").decode())
