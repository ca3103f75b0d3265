import re
import subprocess
from pathlib import Path

import pytest

from loadtests.figures import anchor

ROOT = Path(__file__).parents[2]
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md"))
# Each status, and what the other decision says of the same change.
CHANGES = {"amends": "amended by", "amended by": "amends", "supersedes": "superseded by", "superseded by": "supersedes"}


def _documents() -> list[str]:
    """Name the pages under version control, which another checkout has too."""
    listed = subprocess.run(
        ["git", "ls-files", "*.md", "*.md.gotmpl"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return listed.stdout.splitlines()


def _prose(path: Path) -> str:
    """Give the text of a page without its blocks of code."""
    return re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)


def _changes(path: Path) -> set[tuple[str, str]]:
    """Tell what a decision's status says of others: pairs of a word of `CHANGES` and a file's name."""
    status = path.read_text(encoding="utf-8").splitlines()[2].removeprefix("Status: ")
    parts = [part.partition(" [") for part in status.split("; ")]
    return {(how, name) for how, _, rest in parts for name in re.findall(r"\]\(([^)]+)\)", rest)}


@pytest.mark.parametrize("name", _documents())
def test_each_link_leads_somewhere(name: str) -> None:
    """Each link inside the repository leads to a file or folder, and to a heading where it names one."""
    page = ROOT / name
    for link in re.findall(r"\]\(([^)\s]+)\)", _prose(page)):
        if "://" in link:
            continue
        file, _, heading = link.partition("#")
        target = page.parent / file if file else page
        assert target.exists(), link
        if heading:
            headings = [line for line in target.read_text(encoding="utf-8").splitlines() if line.startswith("#")]
            assert heading in map(anchor, headings), link


@pytest.mark.parametrize("name", _documents())
def test_each_path_in_the_text_is_there(name: str) -> None:
    """A file or folder of the repository that a page names by its path exists; NAME stands for one to come."""
    paths = re.findall(r"`((?:service|chart|k8s|loadtests|tests|docs)/[\w./-]+)`", _prose(ROOT / name))
    assert not [path for path in paths if "NAME" not in path and not (ROOT / path).exists()]


@pytest.mark.parametrize("path", DECISIONS, ids=lambda path: path.stem)
def test_a_decision_has_a_status(path: Path) -> None:
    """It is proposed, accepted or superseded, since a date, and then says which others it changes or is changed by."""
    title, _, status = path.read_text(encoding="utf-8").splitlines()[:3]
    assert title.startswith(f"# {path.name[:4]}: ")
    links = r"\[\d{4}\]\([\w-]+\.md\)"
    changes = rf"({'|'.join(CHANGES)}) {links}(, {links})*"
    assert re.fullmatch(rf"Status: (proposed|accepted|superseded), \d{{4}}-\d\d-\d\d(; {changes})*", status)
    assert ("superseded," in status) == ("superseded by" in status)


def test_both_decisions_tell_of_a_change() -> None:
    """Where one amends or supersedes another, the other says so too, and the later one is the one that changes."""
    told = {(path.name, how, other) for path in DECISIONS for how, other in _changes(path)}
    assert any(how == "amends" for _, how, _ in told)
    assert told == {(other, CHANGES[how], name) for name, how, other in told}
    assert all(name > other for name, how, other in told if how in {"amends", "supersedes"})


def test_the_index_of_decisions_is_theirs() -> None:
    """It lists each with its title and status, so that what is superseded is seen before it is read."""
    listed = []
    for path in DECISIONS:
        title, _, status = path.read_text(encoding="utf-8").splitlines()[:3]
        number, _, name = title.removeprefix("# ").partition(": ")
        listed.append(f"| {number} | [{name}]({path.name}) | {status.removeprefix('Status: ')} |")
    index = (ROOT / "docs" / "decisions" / "README.md").read_text(encoding="utf-8")
    assert [line for line in index.splitlines() if re.match(r"\| \d", line)] == listed


def test_each_promise_is_named_with_what_breaks_its_test() -> None:
    """docs/postgresql.md and docs/performance.md name each sabotage of a test, and the file of the test."""
    marked = {
        (path.relative_to(ROOT).as_posix(), what)
        for path in (ROOT / "tests" / "integration").rglob("test_*.py")
        for what in re.findall(r'^@sabotage\(\s*"([^"]+)"', path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    pages = ("postgresql.md", "performance.md")
    page = "\n".join((ROOT / "docs" / name).read_text(encoding="utf-8") for name in pages)
    assert set(re.findall(r"\]\(\.\./(tests/integration/\S+)\) \| (.+) \|$", page, re.MULTILINE)) == marked
