from pathlib import Path

import pytest

from loadtests.errors import LoadTestError
from loadtests.simulate import traffic


def test_a_day_has_its_peaks_before_noon_and_in_the_evening() -> None:
    """Without noise the highest rate is at half past ten, the evening's at eight, and the night's is a seventh."""
    rates = traffic.day(noise=0)
    assert len(rates) == 86_400
    assert rates.index(max(rates)) == pytest.approx(10.5 * 3600, abs=60)
    evening = rates[15 * 3600 :]
    assert 15 * 3600 + evening.index(max(evening)) == pytest.approx(20 * 3600, abs=600)
    assert max(rates) / min(rates) == pytest.approx(7, abs=1)


def test_a_day_is_the_same_each_time() -> None:
    """Settings are compared on the same traffic, in this run and the next."""
    assert traffic.day() == traffic.day()


def test_a_flash_crowd_is_tenfold_within_a_minute_and_goes_away() -> None:
    """Before it the rate is the base, a minute on ten times that, and in the end the base again."""
    rates = traffic.flash_crowd(3000, at=300)
    assert sum(rates[:300]) / 300 == pytest.approx(300, rel=0.05)
    assert sum(rates[360:960]) / 600 == pytest.approx(3000, rel=0.05)
    assert sum(rates[2000:]) / 1000 == pytest.approx(300, rel=0.05)


def test_noise_goes_nowhere() -> None:
    """The mean of an hour of noise is the base, and its deviation the one asked for."""
    rates = traffic.noisy(3600, base=1000, noise=0.15)
    mean = sum(rates) / len(rates)
    deviation = (sum((rate - mean) ** 2 for rate in rates) / len(rates)) ** 0.5
    assert mean == pytest.approx(1000, rel=0.1)
    assert deviation == pytest.approx(150, rel=0.35)


def test_lines_join_points() -> None:
    """Each second lies on the line between its neighbours, and the end is cut."""
    assert traffic.interpolated([(0, 0), (2, 10), (4, 10)], 3) == [0, 5, 10]


def test_a_recording_of_make_timeline_is_read(tmp_path: Path) -> None:
    """Seconds between two samples are filled, an unknown rate is left out, and time begins at 0."""
    path = tmp_path / "timeline.csv"
    path.write_text("time_s,ready,rps\n10,2,100\n11,2,\n12,2,120\n")
    assert traffic.recorded(path) == [100, 110]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("time_s,requests\n1,2\n", "no recording"),
        ("time_s,rps\n1,many\n", "no recording"),
        ("time_s,rps\n1,2\n", "no two seconds"),
        (None, "no recording"),
    ],
)
def test_what_is_no_recording_is_refused(tmp_path: Path, text: str | None, reason: str) -> None:
    """The error says which columns a recording has."""
    path = tmp_path / "timeline.csv"
    if text is not None:
        path.write_text(text)
    with pytest.raises(LoadTestError, match=reason):
        traffic.recorded(path)
