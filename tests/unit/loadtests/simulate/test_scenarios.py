from dataclasses import replace
from itertools import pairwise

import pytest

from loadtests.errors import LoadTestError
from loadtests.simulate import traffic
from loadtests.simulate.scenarios import BETWEEN_CROWDS_SECONDS, FULL, HOUR, of_a_day, scenarios


def test_the_hours_of_the_day_are_those_of_the_day() -> None:
    """Each slice counts an hour of the day's traffic, led in by what comes before it, and stands for its share."""
    day, rates = scenarios(quick=False)[0], traffic.day()
    for each in day.slices:
        assert list(each.rates) == rates[each.starts_at_s - FULL.lead_in_s : each.starts_at_s + FULL.counted_s]
    assert day.weight * len(day.slices) == 24


def test_the_first_hour_is_led_in_by_the_last() -> None:
    """A day follows a day."""
    lengths = replace(FULL, hours=(0,))
    (midnight,) = of_a_day(lengths)
    assert list(midnight.rates[: FULL.lead_in_s]) == traffic.day()[-FULL.lead_in_s :]


def test_flash_crowds_come_at_several_phases_of_the_autoscaler() -> None:
    """Each begins at another second of the 15 between two looks, and when the fleets have followed the one before."""
    flash = scenarios(quick=False)[1]
    surges = [each.surge_at_s for each in flash.slices if each.surge_at_s is not None]
    assert flash.is_repeated
    assert len({surge % 15 for surge in surges}) == len(flash.slices) == FULL.flash_crowds
    assert all(after - before >= BETWEEN_CROWDS_SECONDS for before, after in pairwise(surges))
    assert all(max(each.rates[-HOUR // 10 :]) < 1.5 * each.rates[0] for each in flash.slices)


def test_all_slices_are_of_one_length() -> None:
    """They run side by side and end together."""
    for quick in (True, False):
        assert len({len(each.rates) for scenario in scenarios(quick=quick) for each in scenario.slices}) == 1


def test_a_recording_is_cut_into_slices() -> None:
    """What counts of them is the recording, led in by its first rate."""
    recording = [float(second) for second in range(2 * FULL.counted_s)]
    recorded = scenarios(quick=False, recording=recording)[-1]
    assert [each.rates[second] for each in recorded.slices for second in each.counted] == recording
    assert set(recorded.slices[0].rates[: FULL.lead_in_s]) == {0.0}


def test_a_recording_longer_than_a_day_is_refused() -> None:
    """It would be more Deployments than the control plane can follow in compressed time."""
    with pytest.raises(LoadTestError, match="a day is the most"):
        scenarios(quick=False, recording=[1.0] * 86_401)
