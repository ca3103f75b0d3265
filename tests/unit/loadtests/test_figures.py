import re
import sys
from pathlib import Path

import pytest

from loadtests import figures
from loadtests.errors import LoadTestError

PAGE = """# One core

| server | requests/s | p99, ms |
| --- | ---: | ---: |
| **bare** | 14,583 | 4.3 |
| service | 25,555 | 2.9 |

## Another day

| server | requests/s |
| --- | ---: |
| bare | 9 |

## Experiments

| # | experiment | measured |
| --- | --- | --- |
| 5 | node | 3,784 requests; ready, s: 41.61; failed: 0 |
"""


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a repository whose run has written bench.md."""
    for name, text in {"docs/bench.md": PAGE, "README.md": "# It\n", "chart/README.md.gotmpl": "# Chart\n"}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(figures, "ROOT", tmp_path)
    monkeypatch.setattr(sys, "argv", ["figures", "--check"])
    return tmp_path


def test_this_repository_quotes_what_its_runs_wrote(capsys: pytest.CaptureFixture[str]) -> None:
    """Each figure of the documents is the one of its page now, and none is without a source."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["figures", "--check"])
        status = figures.main()
    assert (capsys.readouterr().err, status) == ("", 0)


@pytest.mark.parametrize("name", sorted(figures.PAGES - {"settings.md", "reliability.md"}))
def test_each_page_of_a_run_names_its_revision(name: str) -> None:
    """Whoever reads a figure there learns which commit it is of; rows of the experiments name theirs each."""
    assert re.search(r"\brevision [0-9a-f]{7,12}\b", (figures.ROOT / "docs" / name).read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        ("bench.md#one-core; service; requests/s", "25,555"),
        ("bench.md#one-core; bare; p99, ms", "4.3"),
        ("bench.md; service; p99, ms", "2.9"),
        ("bench.md#another-day; bare; requests/s", "9"),
        ("bench.md; node; measured; ready, s", "41.61"),
    ],
)
def test_a_figure_is_found_by_its_names(root: Path, named: str, expected: str) -> None:
    """Page, section, row, column and the name inside a cell lead to one figure, and only that is written anew."""
    text = "as <!-- figure: {} -->{}<!-- end --> of 7"
    assert figures.refreshed(text.format(named, "1"), root / "docs") == text.format(named, expected)


@pytest.mark.parametrize(
    ("named", "message"),
    [
        ("bench.md; bare; requests/s", "2 cells"),
        ("bench.md; granian; requests/s", "no cells"),
        ("bench.md; service; p50, ms", "no cells"),
        ("bench.md; node; measured; lost", "no figure 'lost'"),
        ("notes.md; service; requests/s", "notes.md is not written by a run"),
    ],
)
def test_a_figure_that_no_page_has_is_refused(root: Path, named: str, message: str) -> None:
    """A name that leads nowhere, to several figures, or to a page that no run wrote is told."""
    with pytest.raises(LoadTestError, match=message):
        figures.refreshed(f"<!-- figure: {named} -->1<!-- end -->", root / "docs")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("It takes 20 us a request.", ["20 us"]),
        ("It is 1.75\ntimes as fast, with 2 % less CPU.", ["1.75\ntimes as", "2 % less"]),
        ("It holds 1,000 requests a second with a p95 of 47.9 ms.", ["1,000 requests a second", "p95 of 47.9 ms"]),
        ("It is 3 times faster; the mean is 4 ms.", ["3 times faster", "mean is 4 ms"]),
        ("Revision first (revision c08053a).\n\nIt has 158 MB.", ["158 MB"]),
        ("- 48 s instead of 311 s (revision 4604786)\n- 158 MB", ["158 MB"]),
        ("Measured for it:\n\n| | |\n| --- | --- |\n| it | 20 us |", ["20 us"]),
        ("It takes 20 us (revision\nc08053a).", []),
        ("At revision c08053a:\n\n| | |\n| --- | --- |\n| it | 20 us |", []),
        ("It takes <!-- figure: bench.md; a; b -->20<!-- end --> us.", []),
        ("<!-- budget -->\n\n20 us\n\n<!-- end of budget -->", []),
        ("<!-- example -->\n\n20 us\n\n<!-- end of example -->\n\nIt is 3 times faster.", ["3 times faster"]),
        ("The limit is 150 ms, and a lot is 1 % of it.", []),
    ],
)
def test_a_measured_figure_needs_a_source(text: str, found: list[str]) -> None:
    """Outside of what a run wrote it is quoted, or its paragraph names the revision that it was measured at."""
    assert figures.without_source(text) == found


def test_a_figure_that_differs_is_told_and_mended(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The check names the document and the remedy, and writes nothing; without --check the document is up to date."""
    page = root / "docs" / "notes.md"
    text = "<!-- figure: bench.md; service; requests/s -->{}<!-- end -->\n"
    page.write_text(text.format("24,000"))
    assert figures.main() == 1
    assert "docs/notes.md quotes a figure that its page has no more: run `make generate`" in capsys.readouterr().err
    assert page.read_text() == text.format("24,000")
    monkeypatch.setattr(sys, "argv", ["figures"])
    assert figures.main() == 0
    assert page.read_text() == text.format("25,555")


def test_each_problem_is_told_with_its_document(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A figure without a source and one that no page has stand beside each other in the output."""
    (root / "README.md").write_text("20 us\n")
    (root / "docs" / "notes.md").write_text("<!-- figure: bench.md; it; requests/s -->1<!-- end -->\n")
    assert figures.main() == 1
    lines = capsys.readouterr().err.splitlines()
    assert lines == [
        "error: README.md: '20 us' has no source",
        "error: docs/notes.md: bench.md: no cells are in row 'it' and column 'requests/s'",
    ]
