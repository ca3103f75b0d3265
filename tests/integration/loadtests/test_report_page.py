from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from loadtests.assess.report import write
from loadtests.assess.targets import targets
from loadtests.browser import chromium
from loadtests.screenshots import report_page
from tests.assessment import assessment

pytestmark = pytest.mark.integration

WIDTHS = {"phone": 360, "desk": 1280}
PDF = b"%PDF-"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start a real Chromium."""
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a report."""
    folder = tmp_path_factory.mktemp("report")
    found = assessment()
    found.problems = {"traces": "an address as long as it gets: " + "x" * 200}
    write(found, [], folder)
    return folder


@pytest.fixture(params=WIDTHS)
def page(request: pytest.FixtureRequest, browser: Browser, folder: Path) -> Iterator[Page]:
    """Open the report at the width of a phone and of a desk; what it asks for and complains of is kept with it."""
    page = browser.new_page(viewport={"width": WIDTHS[request.param], "height": 740})
    noted: Any = page
    noted.requests, noted.complaints = [], []
    page.on("request", lambda request: noted.requests.append(request.url))
    page.on("console", lambda message: noted.complaints.append(message.text))
    page.on("pageerror", lambda error: noted.complaints.append(str(error)))
    page.goto((folder / "report.html").as_uri())
    yield page
    page.close()


def test_the_page_asks_for_nothing_and_complains_of_nothing(page: Page) -> None:
    """The browser loads the one file, and its console stays empty."""
    noted: Any = page
    assert [url for url in noted.requests if not url.startswith("data:")] == [page.url]
    assert noted.complaints == []


def test_nothing_is_wider_than_the_screen(page: Page) -> None:
    """Neither the page nor any element of it has to be scrolled sideways."""
    width, client = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    assert width == client
    beyond = page.evaluate(
        "[...document.querySelectorAll('main *:not(svg *)')]"
        ".filter(e => e.getBoundingClientRect().right > innerWidth + 1 && getComputedStyle(e).position !== 'absolute')"
        ".map(e => e.outerHTML.slice(0, 80))"
    )
    assert beyond == []


def test_no_text_is_squeezed(page: Page) -> None:
    """Captions and paragraphs take the width there is: none becomes a column of letters."""
    narrow = page.evaluate(
        "[...document.querySelectorAll('caption, p, h2')].filter(e => e.offsetWidth < innerWidth / 2)"
        ".map(e => e.textContent)"
    )
    assert narrow == []


def test_all_targets_are_seen_with_their_figures(page: Page) -> None:
    """Each target's row is visible, has its measured figure, and is no smaller than can be read."""
    rows = page.locator("tr.target")
    compared = targets(assessment())
    assert rows.count() == len(compared)
    for number, target in enumerate(compared):
        row = rows.nth(number)
        assert row.is_visible()
        assert target.shown in row.inner_text()
        assert row.evaluate("e => parseFloat(getComputedStyle(e).fontSize)") >= 12


def test_charts_are_read_on_a_phone(page: Page) -> None:
    """A chart's text is at least of seven pixels at any width, as each chart is drawn for a phone."""
    sizes = page.evaluate(
        "[...document.querySelectorAll('figure svg text')].map(e => {"
        " const m = e.getScreenCTM(); return Math.hypot(m.a, m.b) * parseFloat(getComputedStyle(e).fontSize); })"
    )
    assert len(sizes) > 50
    assert min(sizes) >= 7


def test_the_accessibility_tree_has_tables_and_named_pictures(page: Page) -> None:
    """Who hears the page gets its rows as rows, also where a phone shows them stacked, and each chart by its name."""
    assert page.get_by_role("row").count() > len(targets(assessment()))
    assert page.get_by_role("columnheader", name="measured").count() == 1
    assert page.get_by_role("img").count() == 8
    assert page.get_by_role("img", name="Replicas follow the load").count() == 1


def test_the_page_prints(page: Page) -> None:
    """It becomes a PDF of several pages."""
    pdf = page.pdf(format="A4")
    assert pdf.startswith(PDF)
    assert pdf.count(b"/Type /Page\n") > 1


def test_the_dark_is_dark(browser: Browser, folder: Path) -> None:
    """By the system's choice the page is light on dark, its charts too."""
    page = browser.new_page(color_scheme="dark")
    page.goto((folder / "report.html").as_uri())
    paper, ink, chart = page.evaluate(
        "[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color,"
        " getComputedStyle(document.querySelector('figure svg text')).fill]"
    )
    page.close()
    assert sum(map(int, paper.removeprefix("rgb(").rstrip(")").split(", "))) < 150
    assert sum(map(int, ink.removeprefix("rgb(").rstrip(")").split(", "))) > 600
    assert chart == ink


def test_pictures_for_the_documentation_are_small(browser: Browser, folder: Path, tmp_path: Path) -> None:
    """The report's pictures are PNG files that a repository can hold, and no two of them are the same."""
    written = [report_page.picture(browser, folder, tmp_path, name) for name in report_page.VIEWS]
    assert [path.name for path in written] == ["report.png", "report-dark.png", "report-phone.png"]
    assert len({path.read_bytes() for path in written}) == len(written)
    for path in written:
        assert path.read_bytes().startswith(b"\x89PNG")
        assert path.stat().st_size < report_page.MOST_BYTES
