import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from loadtests import pages

ROOT = Path(__file__).parents[3]
REPOSITORY = "https://example.com/it"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Give a repository with a few pages."""
    files = ["docs/a.md", "docs/site.css", "docs/decisions/README.md", "docs/decisions/0001.md", "service/app.py"]
    for name in (*files, *pages.ELSEWHERE):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f"# {name}\n")
    return tmp_path


@pytest.mark.parametrize(
    ("source", "link", "on_the_site"),
    [
        ("README.md", "docs/a.md#part", "a.md#part"),
        ("README.md", "docs/decisions", "decisions/README.md"),
        ("docs/a.md", "../README.md", "index.md"),
        ("docs/decisions/0001.md", "../../chart/README.md#values", "../chart.md#values"),
        ("docs/decisions/0001.md", "../a.md", "../a.md"),
        ("docs/a.md", "../service/app.py", f"{REPOSITORY}/blob/main/service/app.py"),
        ("docs/a.md", "../service", f"{REPOSITORY}/tree/main/service"),
        ("docs/a.md", "https://example.org/x.md", "https://example.org/x.md"),
        ("docs/a.md", "#part", "#part"),
        ("docs/a.md", "gone.md", "gone.md"),
    ],
)
def test_a_link_leads_where_it_does_in_the_repository(root: Path, source: str, link: str, on_the_site: str) -> None:
    """A page to its page, another file to the repository, and what is elsewhere or nowhere stays as it is."""
    assert pages.linked(f"[it]({link})\n", source, root, REPOSITORY) == f"[it]({on_the_site})\n"


def test_code_is_left_as_it_is(root: Path) -> None:
    """What looks like a link inside a block of code is none."""
    code = "```md\n[it](docs/a.md)\n```\n"
    assert pages.linked(code + "[it](docs/a.md)\n", "README.md", root, REPOSITORY) == code + "[it](a.md)\n"


def test_the_folder_has_the_site_and_nothing_else(root: Path) -> None:
    """Pages and other files are laid out, and what an earlier layout left is gone."""
    folder = root / "build"
    folder.mkdir()
    (folder / "old.md").touch()
    pages.lay_out(root, folder, REPOSITORY)
    laid_out = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert laid_out == {"a.md", "site.css", "decisions/README.md", "decisions/0001.md", *pages.ELSEWHERE.values()}


def test_each_page_is_in_the_navigation() -> None:
    """zensical.toml names each page of the site, or the folder that it is in, and none that is not there."""

    def named(entries: list[Any]) -> Iterator[str]:
        for entry in entries:
            for value in entry.values() if isinstance(entry, dict) else [entry]:
                yield from named(value) if isinstance(value, list) else [value]

    project = tomllib.loads((ROOT / "zensical.toml").read_text())["project"]
    listed = set(named(project["nav"]))
    folders = tuple(name for name in listed if name.endswith("/"))
    there = {place for place in pages.sources(ROOT).values() if place.endswith(".md")}
    assert {page for page in there if not page.startswith(folders)} == {name for name in listed if name not in folders}
    assert all(any(page.startswith(folder) for page in there) for folder in folders)
