"""`python -m loadtests.figures`: bring the figures that documents quote up to date with the pages that runs wrote.

A document quotes one so: `<!-- figure: bench.md; service_l1 on uvicorn; requests/s -->25,555<!-- end -->`. It names a
page of docs, a row by any of its cells, and a column. A page may be followed by the heading of one section, as in a
link: `simulation.md#a-flash-crowd`. A fourth name is of a figure inside the cell, where that has several, such as
`ready: 3; failed: 0`.

Other figures stand in a paragraph that names the revision they were measured at. Those without a source are refused;
what is computed of made-up ones stands between `<!-- example -->` and `<!-- end of example -->`.
"""

import argparse
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from loadtests.errors import LoadTestError

ROOT = Path(__file__).resolve().parents[1]
# What a run or the settings write: here figures come from, and none is quoted.
PAGES = frozenset({"assessment.md", "bench.md", "queries.md", "reliability.md", "settings.md", "simulation.md"})

_QUOTED = re.compile(r"<!-- figure: ([^;\n]+); ([^;\n]+); ([^;\n]+?)(?:; ([^;\n]+?))? -->(.*?)<!-- end -->")
_OTHERWISE_SAID = re.compile(r"<!-- (budget|dirty|example) -->.*?<!-- end of \1 -->", re.DOTALL)
# What only a measurement tells. Limits and settings have other units, or none of these words beside them.
_MEASURED = re.compile(
    r"(?<![\w.])\d[\d.,]*\s(?:"
    r"us|MB|GB|MiB|GiB|packages|min\s\d+\ss"
    r"|(?:req|requests)(?:/s|\sa\ssecond|\sper\ssecond)"
    r"|times\s(?:as|faster|slower|cheaper|more|less|fewer)"
    r"|%\s(?:less|more|faster|slower|cheaper|fewer|of\sthroughput)"
    r"|s\s(?:instead|alone)"
    r")(?!\w)"
    r"|\b(?:p\d\d|median|mean)\b[^.|\n]{0,30}?\d[\d.,]*\sm?s\b"
    r"|(?<![\w.])\d+[.]\d+\sms\b"
)
_REVISION = re.compile(r"\brevision\s[0-9a-f]{7,12}\b")


def figure(page: str, section: str, row: str, column: str, name: str | None = None) -> str:
    """Return one cell of the tables of a page, or of a section of it; or of its figures the one that has a name.

    Raises:
        LoadTestError: none is called so, or several are.
    """
    found = [cells[head.index(column)] for head, cells in _rows(page, section) if column in head and row in cells]
    where = f"in row {row!r} and column {column!r}"
    if len(found) != 1:
        raise LoadTestError(f"{len(found) or 'no'} cells are {where}")
    if name is None:
        return found[0]
    named = dict(part.rpartition(": ")[::2] for part in found[0].split("; "))
    if name not in named:
        raise LoadTestError(f"no figure {name!r} is {where}")
    return named[name]


def _rows(page: str, section: str) -> Iterator[tuple[list[str], list[str]]]:
    """Give each row of the tables, with its table's head."""
    here, head = not section, None
    for line in page.splitlines():
        if line.startswith("#"):
            here = not section or anchor(line) == section
        if not line.startswith("|"):
            head = None
        elif here:
            cells = [part.strip().strip("*`") for part in line.strip("|").split("|")]
            if head is None:
                head = cells
            else:
                yield head, cells


def anchor(heading: str) -> str:
    """Return the address of a heading inside its page, as the forges make it."""
    return re.sub(r"[^\w\- ]", "", heading.lstrip("# ").lower()).replace(" ", "-")


def refreshed(text: str, docs: Path) -> str:
    """Return a document with its quoted figures as the pages have them now.

    Raises:
        LoadTestError: a figure names what no page has.
    """

    def quote(found: re.Match[str]) -> str:
        source, row, column, part, _ = found.groups()
        name, _, section = source.partition("#")
        if name not in PAGES:
            raise LoadTestError(f"{name} is not written by a run: quote one of {', '.join(sorted(PAGES))}")
        try:
            now = figure((docs / name).read_text(encoding="utf-8"), section, row, column, part)
        except LoadTestError as error:
            raise LoadTestError(f"{source}: {error}") from None
        return f"{found[0].partition('-->')[0]}-->{now}<!-- end -->"

    return _QUOTED.sub(quote, text)


def without_source(text: str) -> list[str]:
    """Return the measured figures of a document that neither a page nor a revision stands behind."""
    own = _QUOTED.sub("", _OTHERWISE_SAID.sub("", text))
    # A paragraph, an entry of a list, or a table with the paragraph above it.
    parts = re.split(r"\n\n(?!\|)|\n(?=- )", own)
    return [found[0] for part in parts if not _REVISION.search(part) for found in _MEASURED.finditer(part)]


def documents(root: Path) -> list[Path]:
    """Return what people have written, and figures may stand in."""
    own = (path for path in sorted((root / "docs").rglob("*.md")) if path.name not in PAGES)
    return [root / "README.md", *own, root / "chart" / "README.md.gotmpl"]


def main() -> int:
    """Write the figures, or with `--check` only look; the exit status is 1 where something is wrong."""
    parser = argparse.ArgumentParser(prog="python -m loadtests.figures", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; fail where a figure differs")
    options = parser.parse_args()
    problems = []
    for path in documents(ROOT):
        name = path.relative_to(ROOT)
        text = path.read_text(encoding="utf-8")
        problems += [f"{name}: {found!r} has no source" for found in without_source(text)]
        try:
            now = refreshed(text, ROOT / "docs")
        except LoadTestError as error:
            problems.append(f"{name}: {error}")
            continue
        if now == text:
            continue
        if options.check:
            problems.append(f"{name} quotes a figure that its page has no more: run `make generate`")
        else:
            path.write_text(now, encoding="utf-8")
    sys.stderr.writelines(f"error: {problem}\n" for problem in problems)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
