import shutil
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from playwright.sync_api import Browser

from loadtests.browser import chromium
from loadtests.errors import LoadTestError

ASSESSED = Path("build/assess")
# Width and height in pixels, and the colour scheme: the first screen on a desk, in the dark, and on a phone.
VIEWS: Mapping[str, tuple[int, int, bool]] = {
    "report": (1100, 900, False),
    "report-dark": (1100, 900, True),
    "report-phone": (360, 740, False),
}
# Pictures in a repository are loaded by everyone who clones it.
MOST_BYTES = 300_000


def picture(browser: Browser, assessed: Path, folder: Path, name: str) -> Path:
    """Keep one view of the report in `assessed` as a PNG.

    Raises:
        LoadTestError: there is no report, or the picture is too large.
    """
    width, height, is_dark = VIEWS[name]
    path = folder / f"{name}.png"
    page = browser.new_page(viewport={"width": width, "height": height}, color_scheme="dark" if is_dark else "light")
    page.goto(_report(assessed, "report.html").absolute().as_uri())
    page.screenshot(path=path)
    page.close()
    if path.stat().st_size > MOST_BYTES:
        raise LoadTestError(f"{path} is larger than {MOST_BYTES:,} bytes")
    return path


def text(folder: Path, _: Mapping[str, str]) -> Path:
    """Keep the report's text as a page of the documentation.

    Raises:
        LoadTestError: there is no report.
    """
    path = folder.parent / "assessment.md"
    shutil.copyfile(_report(ASSESSED, "report.md"), path)
    return path


def _shot(name: str, folder: Path, _: Mapping[str, str]) -> Path:
    with chromium() as browser:
        return picture(browser, ASSESSED, folder, name)


def _report(assessed: Path, name: str) -> Path:
    path = assessed / name
    if not path.exists():
        raise LoadTestError(f"{path} is missing: `make assess` writes it")
    return path


SHOTS: Mapping[str, Callable[[Path, Mapping[str, str]], Path]] = {
    **{name: partial(_shot, name) for name in VIEWS},
    "assessment": text,
}
