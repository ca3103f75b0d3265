import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from loadtests.assess.report import write
from loadtests.assess.targets import targets
from tests.assessment import assessment


class _Page(HTMLParser):
    """What a page is made of, as far as these tests ask."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.addresses: list[str] = []
        self.labels: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.ids += [found["id"] or ""] if "id" in found else []
        self.addresses += [value or "" for name, value in attrs if name in {"src", "href", "xlink:href", "action"}]
        if found.get("role") == "img":
            self.labels.append(found.get("aria-label") or "")
        assert tag not in {"script", "iframe", "object"}

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a report with one raw file beside it."""
    folder = tmp_path_factory.mktemp("report")
    raw = folder / "response" / "k6.csv"
    raw.parent.mkdir()
    raw.write_text("metric_name\n")
    found = assessment()
    found.problems = {"spread": "<nobody> answered"}
    write(found, [raw], folder)
    return folder


def test_the_page_needs_nothing_but_itself(folder: Path) -> None:
    """No address in the page leads out of it: all are data, or parts of the page."""
    text = (folder / "report.html").read_text()
    page = _Page(text)
    assert {address for address in page.addresses if not address.startswith(("#", "data:"))} == set()
    assert "@import" not in text
    assert set(re.findall(r"url\(([^)]*)\)", text)) <= {f"#{name}" for name in page.ids}


def test_the_page_names_each_thing_once(folder: Path) -> None:
    """Charts that stand in one page do not share names, so that none takes another's clip path."""
    page = _Page((folder / "report.html").read_text())
    assert len(page.ids) == len(set(page.ids))


def test_each_chart_is_told_in_words(folder: Path) -> None:
    """There are eight charts, and who cannot see them is told what they show."""
    page = _Page((folder / "report.html").read_text())
    assert len(page.labels) == 8
    assert all(len(label) > 20 for label in page.labels)


def test_charts_take_the_page_s_colour(folder: Path) -> None:
    """Text and axes of a chart are in the page's ink, or they would vanish in the dark."""
    text = (folder / "report.html").read_text()
    assert "currentColor" in text
    assert "#010203" not in text


def test_what_comes_from_outside_is_escaped(folder: Path) -> None:
    """The name of a CPU and the text of an error are no HTML."""
    text = (folder / "report.html").read_text()
    assert "a CPU &lt;of 2&gt;" in text
    assert "&lt;nobody&gt; answered" in text


def test_all_three_reports_have_all_targets(folder: Path) -> None:
    """Each target with its measured figure is in the page, in the text and in the JSON."""
    page, text = _Page((folder / "report.html").read_text()).text, (folder / "report.md").read_text()
    content = json.loads((folder / "report.json").read_text())
    compared = targets(assessment())
    for target in compared:
        assert target.name in page
        assert f"| {target.name} | {target.wanted} | {target.shown} |" in text
    assert [target["name"] for target in content["targets"]] == [target.name for target in compared]
    assert content["all_met"]
    assert content["raw"] == ["response/k6.csv"]


def test_a_report_of_nothing_is_still_one(tmp_path: Path) -> None:
    """When every phase failed, the report says so instead of failing too."""
    found = assessment()
    found.response = found.throughput = found.availability = found.spread = None
    found.scaling = found.caches = found.limiter = found.writes = None
    found.problems = {"response time": "no service answers"}
    write(found, [], tmp_path)
    assert not json.loads((tmp_path / "report.json").read_text())["all_met"]
    assert "no service answers" in (tmp_path / "report.md").read_text()
