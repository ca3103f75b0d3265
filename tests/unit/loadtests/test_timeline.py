import csv
from pathlib import Path

import pytest

from loadtests.timeline.plot import plot
from loadtests.timeline.sample import Sample, write_csv
from loadtests.timeline.table import table
from loadtests.timeline.verdict import reasons_to_fail

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def _record(*replicas: tuple[int, int]) -> list[Sample]:
    return [
        Sample(second, desired, ready, rps=12.345, cpu_percent=40, p95_ms=None, failed_total=0)
        for second, (desired, ready) in enumerate(replicas)
    ]


def test_csv_has_the_columns_and_leaves_the_unknown_empty(tmp_path: Path) -> None:
    """The file has seven named columns, one digit after the point, and nothing where nothing is known."""
    path = tmp_path / "timeline.csv"
    write_csv(_record((2, 2)), path)
    with path.open() as file:
        rows = list(csv.reader(file))
    assert rows == [
        ["time_s", "desired", "ready", "rps", "cpu_percent", "p95_ms", "failed_total"],
        ["0", "2", "2", "12.3", "40", "", "0"],
    ]


@pytest.mark.parametrize(
    ("replicas", "reasons"),
    [
        ([(2, 2), (6, 4), (6, 6), (2, 2)], []),
        ([(2, 2), (6, 5), (2, 2)], ["replicas ready went to 5 only"]),
        ([(2, 2), (6, 6), (2, 3)], ["replicas did not come back to 2"]),
        ([(2, 2), (4, 4)], ["replicas ready went to 4 only", "replicas did not come back to 2"]),
        ([], ["nothing was recorded"]),
    ],
)
def test_verdict_wants_three_times_the_minimum_and_back(replicas: list[tuple[int, int]], reasons: list[str]) -> None:
    """Three times the minimum must have been ready, and the minimum wanted and ready at the end."""
    found = reasons_to_fail(_record(*replicas), minimum=2)
    assert [reason.startswith(start) for reason, start in zip(found, reasons, strict=True)] == [True] * len(reasons)


def test_table_shows_each_change_of_the_replicas() -> None:
    """Besides every nth second a row stands where the replicas changed, and for the last second."""
    samples = _record((2, 2), (2, 2), (4, 2), (4, 2), (4, 4), (4, 4), (4, 4))
    shown = [line.split()[0] for line in table(samples, every_seconds=5).splitlines()[1:]]
    assert shown == ["0s", "2s", "4s", "5s", "6s"]


def test_plot_is_a_picture(tmp_path: Path) -> None:
    """A record with gaps becomes a PNG."""
    path = tmp_path / "timeline.png"
    plot(_record((2, 2), (4, 2), (4, 4)), path, load_ended_s=1)
    assert path.read_bytes().startswith(PNG_SIGNATURE)
