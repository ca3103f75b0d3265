import pytest

from loadtests.errors import LoadTestError
from loadtests.hostile.malformed import ATTACK, FOLLOW_UP, SMUGGLED, attacks
from loadtests.hostile.verdict import fault, was_split
from loadtests.hostile.wire import Address, Answer, Reply, address, answers

OK = b"HTTP/1.1 200 OK\r\nx-request-id: a\r\ncontent-length: 2\r\n\r\n{}"
CHUNKED = b"HTTP/1.1 422 No\r\ntransfer-encoding: chunked\r\nx-request-id: b\r\n\r\n2\r\n{}\r\n0\r\n\r\n"


def _reply(*answered: tuple[int, str], closed: bool = True) -> Reply:
    return Reply(tuple(Answer(*each) for each in answered), closed, seconds=1)


def test_answers_in_a_row_are_told_apart() -> None:
    """Each of several answers on one connection is read with its own status and request id."""
    assert list(answers(OK + CHUNKED + OK)) == [Answer(200, "a"), Answer(422, "b"), Answer(200, "a")]


def test_an_answer_cut_off_still_counts() -> None:
    """A body that ends too soon leaves the status that was said."""
    assert list(answers(OK[:-1])) == [Answer(200, "a")]


def test_what_is_no_answer_is_an_error() -> None:
    """Bytes that are no HTTP are shown."""
    with pytest.raises(LoadTestError, match=r"no HTTP answer: b'SSH-2\.0"):
        list(answers(b"SSH-2.0-OpenSSH\r\n"))


@pytest.mark.parametrize(("url", "expected"), [("http://localhost:8080", ("localhost", 8080)), ("http://a", ("a", 80))])
def test_an_address_is_taken_from_a_url(url: str, expected: tuple[str, int]) -> None:
    """The port is 80 where none is named."""
    assert address(url) == Address(*expected)


def test_https_is_refused() -> None:
    """Raw connections speak no TLS, and the message says so."""
    with pytest.raises(LoadTestError, match="http://host:port only"):
        address("https://localhost:8443")


@pytest.mark.parametrize(
    "reply",
    [
        _reply(),
        _reply((400, "")),
        _reply((431, ""), (200, FOLLOW_UP), closed=False),
        _reply((422, ATTACK), (200, FOLLOW_UP), closed=False),
    ],
    ids=["cut", "400", "431 and the next", "422 and the next"],
)
@pytest.mark.parametrize("by_proxy", [False, True])
def test_refusals_are_well(reply: Reply, *, by_proxy: bool) -> None:
    """An attack may be cut or get 4xx, and what its connection sends next its own answer."""
    assert fault(reply, by_proxy=by_proxy) is None


@pytest.mark.parametrize(
    ("reply", "by_proxy", "expected"),
    [
        (_reply(closed=False), True, "neither answered nor cut"),
        (_reply((200, ATTACK)), True, "answered 200"),
        (_reply((500, "")), False, "answered 500"),
        (_reply((500, ""), (200, FOLLOW_UP)), True, "answered 500"),
        (_reply((422, ATTACK), (200, SMUGGLED)), False, "smuggled is answered"),
        (_reply((422, ATTACK), (200, FOLLOW_UP), (200, SMUGGLED)), True, "behind it come the answers to"),
        (_reply((422, ATTACK), (200, "somebody-else")), True, "the answers to somebody-else"),
    ],
)
def test_faults_are_named(reply: Reply, *, by_proxy: bool, expected: str) -> None:
    """What is let through, hangs, or is answered out of turn is a fault, and the message says which."""
    assert expected in (fault(reply, by_proxy=by_proxy) or "")


def test_a_proxy_may_split_by_the_length_that_the_standard_prefers() -> None:
    """What follows the chunked body is the client's next request: seen and counted, but no fault of a proxy."""
    reply = _reply((422, ATTACK), (200, SMUGGLED), (200, FOLLOW_UP), closed=False)
    assert fault(reply, by_proxy=True) is None
    assert was_split(reply)


def test_every_attack_has_a_whole_head() -> None:
    """No attack is a slow client by mistake: each ends its head or is no HTTP."""
    assert all(b"\r\n\r\n" in attack for attack in attacks("token").values())
