from hypothesis import given
from hypothesis import strategies as st

from loadtests.assess.plan import FULL
from loadtests.assess.throughput import Step, rates_to_hold, search
from tests.assessment import step


@given(st.integers(FULL.first_rate, 3999))
def test_the_search_ends_within_a_tenth_of_what_is_held(capacity: int) -> None:
    """Whatever a service can hold, the highest held step is at most a tenth below it."""
    steps = search(lambda rate: step(rate, held=rate <= capacity), FULL)
    highest = max(each.rate for each in steps if each.held)
    assert highest <= capacity <= highest * (1 + FULL.precision)


def test_the_search_ends_above_its_highest_rate() -> None:
    """A service that holds anything is not loaded without end."""
    steps = search(step, FULL, highest=1600)
    assert [each.rate for each in steps] == [200, 400, 800, 1600]


def test_a_spoilt_step_is_tried_again() -> None:
    """One bad step does not end the search where its repetition is held."""
    spoilt = [400]

    def run(rate: int) -> Step:
        if rate in spoilt:
            spoilt.remove(rate)
            return step(rate, held=False)
        return step(rate, held=rate < 800)

    steps = search(run, FULL)
    assert max(each.rate for each in steps if each.held) > 400


def test_nothing_held_is_a_search_of_one_rate() -> None:
    """Where the first rate fails there is nothing to halve."""
    steps = search(lambda rate: step(rate, held=False), FULL)
    assert {each.rate for each in steps} == {FULL.first_rate}


def test_what_is_held_for_long_is_sought_from_above() -> None:
    """It is what the search found, however high, and then less; a target that the search came near is among it."""
    assert rates_to_hold([step(1600)]) == [1600, 1440, 1280, 1120, 1000]
    assert rates_to_hold([step(1600), step(2000), step(2200)]) == [2200, 2000, 1760, 1600, 1320, 1000]
    assert rates_to_hold([step(900), step(950, held=False)]) == [1000, 900, 810, 720, 630, 540]
    assert rates_to_hold([step(400), step(440, held=False)]) == [400, 360, 320, 280, 240]


def test_a_step_with_unsent_requests_is_not_held() -> None:
    """An open load that was not offered in full is not held, however quick its answers were."""
    good = step(1000)
    assert good.held
    assert not Step(good.rate, good.seconds, good.answered, good.latency, 1, {}, good.usage).held
