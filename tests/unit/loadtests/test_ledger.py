import pytest

from loadtests.ledger import asked_for_seconds
from loadtests.users import Response


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [({"Retry-After": "3"}, 3), ({}, 0), ({"Retry-After": "Fri, 31 Dec 1999 23:59:59 GMT"}, 0)],
)
def test_a_client_leaves_a_server_alone_for_as_long_as_it_asks(headers: dict[str, str], seconds: float) -> None:
    """In seconds, as the service says it; a date is of others."""
    assert asked_for_seconds(Response(503, headers, b"")) == seconds


def test_no_answer_asks_for_nothing() -> None:
    """Its client decides alone when it tries again."""
    assert asked_for_seconds(None) == 0
