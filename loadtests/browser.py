import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

from loadtests.errors import LoadTestError

NAMES = ("chromium", "chromium-browser", "google-chrome")
# A page of ours needs none of what a browser does beside it; as root there is no sandbox.
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run the system's Chromium without a window.

    Raises:
        LoadTestError: there is none.
    """
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if not found:
        raise LoadTestError("Chromium is missing: `make chromium` installs it on Debian")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()
