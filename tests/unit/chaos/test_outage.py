import pytest

from loadtests.ledger import Ledger, Outcome
from loadtests.measure import Answer, Answers
from tests.chaos.postgresql.outage import failing_for, named, outages, told


def _answers(*sent: tuple[float, int]) -> Answers:
    """Writes sent at these times, with these statuses."""
    return Answers(Answer(at_s, 10, status, name="write") for at_s, status in sent)


@pytest.mark.parametrize(
    ("sent", "seconds"),
    [
        ([], 0),
        ([(11, 201), (12, 201)], 0),
        ([(11, 503), (12, 201)], 1),
        ([(11, 503), (12, 201), (13, 0), (14, 201)], 3),
        ([(9, 503), (20, 503)], 0),
    ],
)
def test_an_outage_lasts_until_the_last_failure(sent: list[tuple[float, int]], seconds: float) -> None:
    """One success in between ends nothing; what failed before, or after the time that is looked at, is none of it."""
    assert failing_for(_answers(*sent), 10, 20) == seconds


def test_each_fault_has_its_own_outage() -> None:
    """What fails after the second fault is none of the first one's."""
    answers = _answers((11, 503), (12, 201), (21, 503), (24, 503), (25, 201))
    assert outages(answers, [10, 20, 30], 40) == [1, 4, 0]


def test_kinds_of_requests_are_told_apart() -> None:
    """Reads are no writes."""
    answers = Answers([Answer(1, 10, 200, name="read"), Answer(2, 10, 201, name="write")])
    assert [answer.at_s for answer in named(answers, "write")] == [2]


def test_a_conflict_is_a_write_that_happened_twice() -> None:
    """The second creation of one user finds its own address taken; other refusals say something else."""
    ledger = Ledger("http://127.0.0.1", {}, per_second=1, longest_pause_seconds=1)
    ledger.outcome = Outcome(acknowledged={"a": 1}, refused=[409, 422], unknown=3)
    assert ledger.outcome.doubled == 1
    assert told(ledger) == {"writes_acknowledged": 1, "writes_unknown": 3}
