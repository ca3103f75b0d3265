import pytest

from service.fleet.cache.messages import Answer, Presence, Written, parse, parse_answer


@pytest.mark.parametrize(
    "said",
    [
        Written(b"a1", 7, "users:1", 2**53),
        Written(b"a1", None, "users:1", 3),
        Presence(b"a1", listens=True),
        Presence(b"a1", listens=False),
    ],
)
def test_what_is_said_to_all_is_understood(said: Written | Presence) -> None:
    """Each message comes out as it went in."""
    assert parse(said.encode()) == said


def test_a_release_without_answers_understands_a_write() -> None:
    """Key and version stand where they stood before messages had numbers, and the sender is not it."""
    sender, _, written = Written(b"a1", 7, "users:1", 3).encode().partition(b":")
    assert (sender, written.rpartition(b":")) == (b"a1.7", (b"users:1", b":", b"3"))
    for listens in (True, False):
        assert not Presence(b"a1", listens).encode().rpartition(b":")[2].isdigit()


@pytest.mark.parametrize("data", [b"", b"users:7", b"a1:users:7:", b"a1:users:7:x", b"a1:", b"a1.7"])
def test_what_nobody_says_is_nothing(data: bytes) -> None:
    """Neither a write nor a presence."""
    assert parse(data) is None


@pytest.mark.parametrize("numbers", [[1], [3, 5, 4]])
def test_answers_are_understood(numbers: list[int]) -> None:
    """Each answer comes out as it went in."""
    answer = Answer(b"a1", numbers)
    assert parse_answer(answer.encode()) == answer


def test_an_answer_without_numbers_is_for_no_message() -> None:
    """Nor is one whose numbers are none."""
    assert parse_answer(b"a1") == parse_answer(b"a1:x,") == Answer(b"a1", [])
