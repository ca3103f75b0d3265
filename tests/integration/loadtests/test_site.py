"""The site of docs, built without a network and looked at in a browser."""

import functools
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from loadtests.browser import chromium
from loadtests.pages import lay_out
from tests.http_server import Quiet, serving

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[3]
CONFIG = "zensical.toml"
# One of each kind: pictures, wide tables, code, a page of a folder.
PAGES = ["", "settings/", "postgresql/", "runbooks/RedisDown/"]
VIEWS = {"desk in the dark": (1280, "dark"), "phone": (390, "light")}
# The contrast of each text with what is behind it, by the formula of WCAG 2.
CONTRASTS = """() => {
  const canvas = Object.assign(document.createElement('canvas'), {width: 1, height: 1})
    .getContext('2d', {willReadFrequently: true});
  const rgba = colour => {
    // A colour in whatever form, as the browser draws it.
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const over = (top, below) => top.slice(0, 3).map((part, i) => (part * top[3] + below[i] * (255 - top[3])) / 255);
  const luminance = colour => colour
    .map(part => part / 255).map(part => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
    .reduce((sum, part, i) => sum + part * [0.2126, 0.7152, 0.0722][i], 0);
  const known = new Map();
  const behind = element => {
    if (!known.has(element)) {
      const below = element.parentElement ? behind(element.parentElement) : [255, 255, 255];
      known.set(element, over(rgba(getComputedStyle(element).backgroundColor), below));
    }
    return known.get(element);
  };
  const texts = [...document.querySelectorAll('article *:not(svg *), .md-sidebar--primary a, .md-header *')].filter(
    element => element.checkVisibility({opacityProperty: true, visibilityProperty: true})
      && !element.matches('.headerlink, .md-code__nav *, script, style')
      && [...element.childNodes].some(node => node.nodeType === Node.TEXT_NODE && node.data.trim()));
  return texts.map(element => {
    const below = behind(element);
    const text = over(rgba(getComputedStyle(element).color), below);
    const [darker, lighter] = [luminance(text), luminance(below)].sort((a, b) => a - b);
    return [(lighter + 0.05) / (darker + 0.05), `${element.tagName} ${element.textContent.slice(0, 40)}`];
  });
}"""


def _alone() -> tuple[str, ...]:
    """Return what a command is put behind to have no network, or nothing where the host allows no such thing."""
    for prefix in (("unshare", "--net"), ("unshare", "--map-root-user", "--net")):
        if (
            shutil.which(prefix[0])
            and subprocess.run([*prefix, "true"], capture_output=True, check=False).returncode == 0
        ):
            return prefix
    return ()


def _build(folder: Path) -> subprocess.CompletedProcess[str]:
    """Build the site of the pages that are laid out in a folder."""
    shutil.copy(ROOT / CONFIG, folder / CONFIG)
    command = [*_alone(), str(Path(sys.executable).with_name("zensical")), "build", "--strict"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def _project() -> dict[str, Any]:
    project: dict[str, Any] = tomllib.loads((ROOT / CONFIG).read_text(encoding="utf-8"))["project"]
    return project


class _Document(HTMLParser):
    """The addresses that a page names, and the places in it that can be named."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.places: set[str] = set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what the tag names."""
        for name, value in attrs:
            if name in {"href", "src"} and value and not (tag == "link" and dict(attrs).get("rel") == "canonical"):
                self.links.add(value)
            if name == "id" and value:
                self.places.add(value)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the site as `make site` does."""
    folder = tmp_path_factory.mktemp("site")
    project = _project()
    lay_out(ROOT, folder / project["docs_dir"], project["extra"]["repository"])
    built = _build(folder)
    assert built.returncode == 0, built.stdout + built.stderr
    built_site: Path = folder / project["site_dir"]
    return built_site


class _Handler(Quiet, SimpleHTTPRequestHandler):
    """Serves files, and does not say so."""


@pytest.fixture(scope="module")
def url(site: Path) -> Iterator[str]:
    """Serve the site on this host."""
    with serving(ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Handler, directory=site))) as url:
        yield url


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start a real Chromium."""
    with chromium() as browser:
        yield browser


@pytest.fixture(params=VIEWS)
def page(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Page]:
    """Open an empty page as wide as a desk or a phone, in the light or the dark; what it asks for is kept with it."""
    width, scheme = VIEWS[request.param]
    page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)  # type: ignore[arg-type]
    noted: Any = page
    noted.requests, noted.complaints = [], []
    page.on("request", lambda request: noted.requests.append(request.url))
    page.on("console", lambda message: noted.complaints.append(message.text))
    page.on("pageerror", lambda error: noted.complaints.append(str(error)))
    yield page
    page.close()


def test_each_link_of_the_site_leads_somewhere(site: Path) -> None:
    """A link, picture, script or style inside the site is there, and so is the place in a page that a link names."""
    documents = {path: _Document(path) for path in site.rglob("*.html")}
    dead = []
    for path, document in documents.items():
        here = "/" + path.relative_to(site).as_posix()
        for link in document.links:
            split = urlsplit(urljoin(here, link))
            if split.scheme:
                continue
            target = site / unquote(split.path).lstrip("/")
            target = target / "index.html" if target.is_dir() else target
            named = split.fragment and target in documents and unquote(split.fragment) not in documents[target].places
            if not target.exists() or (named and split.fragment != "__skip"):
                dead.append(f"{here}: {link}")
    assert len(documents) > len(PAGES)
    assert not dead


def test_all_that_leads_out_of_docs_leads_to_the_repository(site: Path) -> None:
    """Files that are no pages are linked to where people see the repository, and there they are."""
    begin = _project()["extra"]["repository"] + "/"
    links = {link for path in site.rglob("*.html") for link in _Document(path).links if link.startswith(begin)}
    paths = [urlsplit(link.removeprefix(begin)).path.split("/", 2) for link in links]
    assert paths
    assert [
        path for kind, _, path in paths if not ((ROOT / path).is_dir() if kind == "tree" else (ROOT / path).is_file())
    ] == []


@pytest.mark.parametrize(
    ("name", "link", "said"),
    [("page", "nowhere.md", "page does not exist"), ("heading", "#nowhere", "anchor does not exist")],
)
def test_a_dead_link_fails_the_build(tmp_path: Path, name: str, link: str, said: str) -> None:
    """`zensical build --strict` refuses a link to no page and to no heading."""
    folder = tmp_path / _project()["docs_dir"]
    folder.mkdir(parents=True)
    (folder / "index.md").write_text(f"# It\n\nA [{name}]({link}).\n")
    built = _build(tmp_path)
    assert built.returncode != 0
    assert said in built.stdout + built.stderr


def test_pages_are_whole_and_readable(page: Page, url: str) -> None:
    """No page asks another host, complains, is wider than the screen, or has text that is hard to read."""
    noted: Any = page
    for name in PAGES:
        page.goto(f"{url}/{name}", wait_until="networkidle")
        assert page.locator("article h1").is_visible()
        width, client = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
        assert width <= client, name
        contrasts = page.evaluate(CONTRASTS)
        assert len(contrasts) > 10
        assert [text for contrast, text in contrasts if contrast < 4.5] == [], name
    assert [address for address in noted.requests if not address.startswith((f"{url}/", "data:"))] == []
    assert noted.complaints == []


def test_search_finds_a_page(page: Page, url: str) -> None:
    """What is typed into the search leads to the page that has it."""
    page.goto(url, wait_until="networkidle")
    box = page.get_by_role("combobox", name="Search")
    while not box.is_visible():  # its script may have been loaded and not yet have run
        page.keyboard.press("Control+k")
        page.wait_for_timeout(2000)
    box.fill("RedisBreakerOpen")
    found = page.get_by_role("option", name="RedisBreakerOpen").first
    expect(found).to_be_visible(timeout=30_000)
    found.click()
    expect(page.locator("article h1")).to_contain_text("RedisBreakerOpen", timeout=30_000)


def test_a_reader_finds_the_way(page: Page, url: str) -> None:
    """From the first page the navigation leads to the settings, on a phone by its menu."""
    page.goto(url, wait_until="networkidle")
    if page.viewport_size and page.viewport_size["width"] < 1000:
        page.locator("label.md-header__button[for=__drawer]").click()
    navigation = page.locator(".md-sidebar--primary")
    navigation.get_by_text("Reference", exact=True).first.click()
    navigation.get_by_role("link", name="Settings of the service").click()
    expect(page.locator("article h1")).to_contain_text("Settings")
