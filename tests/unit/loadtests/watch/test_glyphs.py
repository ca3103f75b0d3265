import pytest

from loadtests.watch.glyphs import ago, meter, sparkline


@pytest.mark.parametrize(
    ("values", "width", "top", "drawn"),
    [
        ([0, 1, 2, 4, 8], 5, 8, "▁▂▃▅█"),
        ([1, 2, 3, 4], 2, 4, "▇█"),
        ([0, 0], 4, None, "▁▁"),
        ([3, 3], 4, None, "██"),
        ([], 4, None, ""),
        ([1, 2], 0, None, ""),
    ],
)
def test_sparkline_draws_the_newest_from_zero(values: list[float], width: int, top: float | None, drawn: str) -> None:
    """One column a value, as high as its share of the top."""
    assert sparkline(values, width, top=top) == drawn


@pytest.mark.parametrize(
    ("share", "width", "drawn"),
    [(0, 8, " " * 8), (0.5, 8, "████    "), (7 / 64, 8, "▉       "), (3, 8, "████████"), (0.5, 5, "")],
)
def test_meter_fills_to_its_share(share: float, width: int, drawn: str) -> None:
    """It is always as wide as asked, never wider, and left out where too narrow to read."""
    assert meter(share, width) == drawn


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-3, "0s"), (59.9, "59s"), (61, "1m01s"), (3600, "1h00m"), (50 * 3600, "2d"), (47 * 3600, "47h00m")],
)
def test_ago_has_two_parts_at_most(seconds: float, text: str) -> None:
    """A span is written in its greatest units."""
    assert ago(seconds) == text
