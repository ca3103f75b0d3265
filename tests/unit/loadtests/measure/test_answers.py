import math

import pytest

from loadtests.measure import Answer, Answers
from loadtests.measure.answers import AnswerRows


def _answers(*durations_ms: float, status: int = 200) -> list[Answer]:
    return [Answer(at_s, duration_ms, status) for at_s, duration_ms in enumerate(durations_ms)]


def _row(metric: str, second: float, iteration: str, value: float = 1, tags: str = "") -> dict[str, str]:
    return {
        "metric_name": metric,
        "timestamp": str(round(second * 1e6)),
        "metric_value": f"{value:f}",
        "extra_tags": tags,
        "metadata": iteration,
    }


def test_percentiles_are_by_nearest_rank() -> None:
    """Of twenty durations the p95 is the nineteenth and the p50 the tenth; of none there is no number."""
    answers = Answers(_answers(*range(20, 0, -1)))
    assert [answers.percentile_ms(share) for share in (0.5, 0.95, 1)] == [10, 19, 20]
    assert answers.mean_ms == 10.5
    assert math.isnan(Answers().mean_ms)
    assert math.isnan(Answers().percentile_ms(0.5))


def test_one_stall_is_not_typical() -> None:
    """Of three windows' percentiles the middle one counts; of none there is no number."""
    answers = Answers(_answers(1, 2, 900, 900, 3, 4))
    assert answers.typical_ms(1, window_seconds=2) == 4
    assert math.isnan(Answers().typical_ms(1, window_seconds=2))


@pytest.mark.parametrize(
    ("status", "failed"), [(0, True), (200, False), (201, False), (304, False), (404, True), (429, True), (503, True)]
)
def test_only_a_success_or_a_redirect_has_not_failed(status: int, *, failed: bool) -> None:
    """No answer at all, a refusal and an error all count as failed."""
    answers = Answers(_answers(1, status=status))
    assert (len(answers.failed), answers.failed_share) == (int(failed), float(failed))


def test_answers_are_taken_by_the_time_they_were_asked_at() -> None:
    """A part begins with its first time and ends before its last, whatever the order they came in."""
    answers = Answers(reversed(_answers(1, 2, 3, 4)))
    assert [answer.duration_ms for answer in answers.between(1, 3)] == [2, 3]
    assert [answer.at_s for answer in answers[:2]] == [0, 1]


def test_seconds_have_their_own_counts_and_percentiles() -> None:
    """Each second tells how many were sent, how many of them failed, and how long they took."""
    answers = Answers([Answer(7.1, 10, 200), Answer(7.9, 30, 500), Answer(9.0, 5, 200)])
    seconds = answers.by_second()
    assert [(each.at_s, each.requests, each.failed, each.p50_ms, each.p99_ms) for each in seconds] == [
        (7, 2, 1, 10, 30),
        (9, 1, 0, 5, 5),
    ]
    assert answers.reasons() == {"500": 1}


def test_rows_of_one_iteration_make_an_answer() -> None:
    """What was asked and what came are put together by k6's iteration, with the names and tags that it wrote."""
    rows = AnswerRows()
    rows.add(
        [
            _row("asked", 100.25, "vu=1&iter=0", tags="request=read"),
            _row("asked", 100.5, "vu=2&iter=0", tags="request=read"),
            _row("http_req_duration", 101, "vu=1&iter=0", 7),
            _row("answer", 101.5, "iter=0&vu=2", 0, "status=0&error=1212"),
            _row("answer", 101.25, "vu=1&iter=0", 8.5, "status=200&error=0&cache=L1&server=a"),
            _row("asked", 102, "vu=1&iter=1", tags="request=read"),
            _row("answer", 102.25, "vu=1&iter=1", 250, "status=503&error=1503&retry_after=1"),
            _row("dropped_iterations", 102, "", 3),
        ]
    )
    assert list(Answers(rows.answers)) == [
        Answer(100.25, 8.5, 200, "", "L1", "a", "read"),
        Answer(100.5, 1000, 0, "refused", "", "", "read"),
        Answer(102, 250, 503, "", "", "", "read", retry_after="1"),
    ]
    assert rows.dropped == 3


def test_what_is_sent_after_the_end_does_not_count() -> None:
    """Later requests, their answers and those not sent are left out; an earlier one without an answer has failed."""
    rows = AnswerRows(until_s=12)
    rows.add([_row("asked", 10, "vu=1&iter=0", tags="request=read")])
    assert (rows.is_past_the_end, rows.waiting) == (False, 1)
    rows.add([_row("asked", 13, "vu=2&iter=0"), _row("answer", 13.1, "vu=2&iter=0", 100, "status=200&error=0")])
    rows.add([_row("dropped_iterations", 13, "")])
    assert (rows.is_past_the_end, rows.waiting, rows.answers, rows.dropped) == (True, 1, [], 0)
    assert [(each.at_s, each.duration_ms, each.failed) for each in rows.unanswered(ended_at_s=14)] == [(10, 4000, True)]
