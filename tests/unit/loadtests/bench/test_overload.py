from dataclasses import replace

import pytest

from loadtests.bench.overload import Overload, invalid, missed, summarise
from loadtests.measure import Answer, Answers
from tests.unit.loadtests.bench.measurements import KEPT


def _answer(name: str, status: int, duration_ms: float = 1.0, **more: str) -> Answer:
    return Answer(0.0, duration_ms, status, name=name, **more)


def test_answers_are_sorted_by_what_was_asked_and_how_it_ended() -> None:
    """A 503 that does not say when to come back is no refusal, and a cached read that no cache answered no hit."""
    answers = Answers(
        [
            *(_answer("cached", 200, number, cache="L1") for number in range(1, 101)),
            _answer("cached", 200, 90, cache="MISS"),
            _answer("cached", 503, 250, retry_after="1"),
            _answer("uncached", 200, 130, cache="MISS"),
            _answer("uncached", 503, 251, retry_after="1"),
            _answer("uncached", 503, 400, retry_after="1"),
            _answer("uncached", 503, 250),
            _answer("uncached", 0, 9_000),
        ]
    )
    assert summarise(answers, 15) == Overload(
        15,
        served=1,
        refused=2,
        refused_p50_ms=251,
        refused_p99_ms=400,
        cached=100,
        cached_p50_ms=50,
        cached_p99_ms=99,
        failed=4,
    )


def test_without_answers_there_are_no_percentiles() -> None:
    """They are unknown, and not good."""
    nothing = summarise(Answers([]), 15)
    assert (nothing.refused_p99_ms, nothing.cached_p99_ms) == (None, None)
    assert list(missed(nothing)) == ["cached reads took nan ms at p99, to be under 10 ms"]


@pytest.mark.parametrize(
    ("overload", "reasons"),
    [
        (KEPT, []),
        (replace(KEPT, refused_p99_ms=500.0), ["503 came after 500 ms at p99, to be under 500 ms"]),
        (replace(KEPT, cached_p99_ms=12.3), ["cached reads took 12.3 ms at p99, to be under 10 ms"]),
        (replace(KEPT, failed=2), ["2 requests failed, to be none"]),
    ],
    ids=["kept", "late", "slow", "failed"],
)
def test_each_bound_that_is_missed_is_named(overload: Overload, reasons: list[str]) -> None:
    """With what was measured, and the bound."""
    assert list(missed(overload)) == reasons


@pytest.mark.parametrize(
    ("overload", "reasons"),
    [
        (replace(KEPT, generator_share=0.7), []),
        (replace(KEPT, refused=0, refused_p99_ms=None), ["nobody was refused, so it was none"]),
        (replace(KEPT, unsent=3), ["3 requests could not be sent, so it was less"]),
        (
            replace(KEPT, generator_share=0.82),
            ["k6 took 82% of its core, to be 70% at most: the times are its own"],
        ),
    ],
    ids=["valid", "none", "unsent", "generator"],
)
def test_what_was_no_such_overload_is_named(overload: Overload, reasons: list[str]) -> None:
    """Figures of a load that was not sent, or of a generator that had too much to do, are none of the service."""
    assert list(invalid(overload)) == reasons
