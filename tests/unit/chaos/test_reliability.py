import re
from pathlib import Path
from typing import Any

import pytest

from tests.chaos import reliability
from tests.chaos.experiment import Experiment

TEXT = """before <!-- machine -->another<!-- end of machine -->, <!-- dirty -->-<!-- end of dirty -->
<!-- experiments -->
<!-- end of experiments -->
<!-- sabotaged -->
<!-- end of sabotaged -->
after
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Give a document without a row."""
    path = tmp_path / "reliability.md"
    path.write_text(TEXT)
    return path


def _result(requests: int, *, held: bool = True) -> dict[str, Any]:
    figures = {"failed": 0, "requests": requests}
    return {"requests": requests, "figures": figures, "p50_ms": 2.0, "p99_ms": None, "held": held, "short": False}


def _rows(path: Path, first: str, last: str) -> list[list[str]]:
    part = path.read_text().split(f"<!-- {first} -->")[1].split(f"<!-- {last} -->")[0]
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in part.splitlines() if line.startswith("| ")][2:]


def test_a_run_writes_its_own_row_and_no_other(path: Path) -> None:
    """Rows stand in the order of the experiments; a second run takes the place of the first."""
    second, first = Experiment(11, "redis", "it answers", "no breaker"), Experiment(2, "scaling", "0 failed", "none")
    for experiment, requests in ((second, 1), (first, 2000), (second, 3)):
        reliability.update(experiment, _result(requests), sabotaged=False, path=path)
    rows = _rows(path, "experiments", "end of experiments")
    assert [row[:8] for row in rows] == [
        ["2", "scaling", "0 failed", "full", "2,000 requests; failed: 0; requests: 2,000", "2.0", "", "yes"],
        ["11", "redis", "it answers", "full", "3 requests; failed: 0; requests: 3", "2.0", "", "yes"],
    ]


@pytest.mark.parametrize(("revisions", "said"), [(("1a", "2b-dirty"), "1 of 2 rows"), (("1a", "2b"), "none")])
def test_rows_of_changed_files_are_counted(
    path: Path, monkeypatch: pytest.MonkeyPatch, revisions: tuple[str, str], said: str
) -> None:
    """The page says how many rows are of a revision with changes that were never committed."""
    for number, revision in enumerate(revisions):
        monkeypatch.setattr(reliability, "revision", lambda revision=revision: revision)
        reliability.update(Experiment(number, f"e{number}", "0 failed", "none"), _result(1), sabotaged=False, path=path)
    assert f"<!-- dirty -->{said}<!-- end of dirty -->" in path.read_text()


@pytest.mark.parametrize(
    ("first", "last", "must_hold"),
    [("experiments", "end of experiments", "yes"), ("sabotaged", "end of sabotaged", "no")],
)
def test_each_row_of_the_page_is_whole(first: str, last: str, must_hold: str) -> None:
    """Each says what was measured, in which form, that it came out as it must, and at which revision."""
    rows = _rows(reliability.PATH, first, last)
    assert len(rows) > 20
    for row in rows:
        number, name, said, form, measured, _, _, holds, revision = row
        assert int(number) > 0
        assert name
        assert said
        assert (form in {"full", "short"}, holds) == (True, must_hold), name
        assert re.match(r"[\d,]+ requests; ", measured), name
        assert re.fullmatch(r"[0-9a-f]{12}(-dirty)?", revision), name
    assert len({row[1] for row in rows}) == len(rows)


def test_the_page_counts_its_dirty_rows() -> None:
    """The count above the tables is that of the rows."""
    text = reliability.PATH.read_text(encoding="utf-8")
    revisions = re.findall(r"^\| \d.* (\S+) \|$", text, re.MULTILINE)
    dirty = sum(revision.endswith("-dirty") for revision in revisions)
    said = f"{dirty} of {len(revisions)} rows" if dirty else "none"
    assert f"<!-- dirty -->{said}<!-- end of dirty -->" in text


def test_what_did_not_come_is_said(path: Path) -> None:
    """A wait that ended without what was waited for stands as `never`."""
    result = {**_result(1), "figures": {"back within, s": None}}
    reliability.update(Experiment(9, "metrics", "it comes back", "no trigger"), result, sabotaged=True, path=path)
    assert _rows(path, "sabotaged", "end of sabotaged")[0][4] == "1 requests; back within, s: never"


def test_a_broken_variation_has_its_own_table(path: Path) -> None:
    """Its row says what was broken, and that it does not hold; the machine is named once."""
    experiment = Experiment(1, "restart", "0 failed", "no preStop")
    reliability.update(experiment, _result(5, held=False), sabotaged=True, path=path)
    assert _rows(path, "experiments", "end of experiments") == []
    (row,) = _rows(path, "sabotaged", "end of sabotaged")
    assert (row[2], row[7]) == ("no preStop", "no")
    text = path.read_text()
    assert text.startswith("before <!-- machine -->")
    assert "another" not in text
    assert text.endswith("after\n")
