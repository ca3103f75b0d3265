from pathlib import Path

import pytest

from loadtests.errors import LoadTestError
from loadtests.measure import Answer, Answers
from loadtests.tune.offer import Offer, Target, judged

TARGET = Target("http://localhost:1", "token", p95_ms=50)


def _answers(*windows: tuple[float, int]) -> Answers:
    """Ten answers a second, each second of one duration and status."""
    return Answers(
        Answer(at + place / 10, duration, status)
        for at, (duration, status) in enumerate(windows)
        for place in range(10)
    )


def test_a_stall_is_no_property_of_the_application() -> None:
    """A second in which all was late leaves a rate held; what lasts does not."""
    fast, slow = (10.0, 200), (400.0, 200)
    assert judged(10, 1, _answers(fast, slow, fast, fast), 0, TARGET).held
    lasting = judged(10, 1, _answers(fast, slow, slow, slow), 0, TARGET)
    assert (lasting.held, lasting.reason) == (False, "p95 400 ms")


@pytest.mark.parametrize(
    ("status", "dropped", "reason"),
    [
        (503, 0, "failed: 10 x 503"),
        (200, 3, "3 not sent, as too many were waiting"),
        (429, 1, "failed: 10 x 429; 1 not sent, as too many were waiting"),
    ],
)
def test_what_failed_or_was_not_sent_is_not_held(status: int, dropped: int, reason: str) -> None:
    """One request that failed is too much, and the reason says what ended the rate."""
    step = judged(10, 2, _answers((10, 200), (10, status)), dropped, TARGET)
    assert (step.held, step.reason, step.replicas) == (False, reason, 2)


def test_what_a_stall_left_unsent_is_borne() -> None:
    """One in a hundred may be missing."""
    assert judged(10, 1, _answers(*[(10.0, 200)] * 10), 1, TARGET).held
    assert not judged(10, 1, _answers(*[(10.0, 200)] * 10), 2, TARGET).held


def test_no_answer_is_not_held() -> None:
    """What nobody answered has no p95 within the target."""
    assert not judged(10, 1, Answers(), 0, TARGET).held


def test_a_step_too_short_to_tell_is_refused() -> None:
    """A queue that grows slowly must have time to show beside the latency target; the message says how much."""
    with pytest.raises(LoadTestError, match="--step-seconds must be 20 or more"):
        Target("http://localhost:1", "token", p95_ms=500, step_seconds=8)


def test_nothing_is_offered_to_nobody(tmp_path: Path) -> None:
    """Without a replica that is ready there is nothing to measure."""
    with pytest.raises(LoadTestError, match="no replica is ready"):
        Offer(TARGET, lambda: 0, tmp_path).step(10)
