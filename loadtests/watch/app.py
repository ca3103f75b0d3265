import threading
import time
from collections.abc import Callable
from typing import Any, ClassVar

from textual import work
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import Footer, Static
from textual.worker import get_current_worker

from loadtests.watch import panels
from loadtests.watch.feed import Feed
from loadtests.watch.glyphs import ago
from loadtests.watch.view import View

DRAW_SECONDS = 0.5
EVENTS_SHOWN = 50


class Brought(Message):
    """A feed has asked once more."""

    def __init__(self, feed: Feed[Any]) -> None:
        self.feed = feed
        super().__init__()


class WatchApp(App[None]):
    """The live view: asks in threads, so that a cluster that does not answer never holds up the screen."""

    CSS_PATH = "app.tcss"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [Binding("q", "quit", "Quit")]

    def __init__(self, view: View) -> None:
        super().__init__()
        self._view = view
        self._leaving = threading.Event()

    def compose(self) -> ComposeResult:
        """Lay the panels out."""
        yield Static(id="status")
        with Horizontal(classes="pair"):
            yield Static(id="replicas", classes="panel")
            yield Static(id="requests", classes="panel")
        with Horizontal(classes="pair"):
            yield Static(id="autoscaler", classes="panel")
            yield Static(id="inside", classes="panel")
        with VerticalScroll(id="pods", classes="panel"):
            yield Static(id="pod-lines")
        with VerticalScroll(id="events", classes="panel"):
            yield Static(id="event-lines")
        yield Footer()

    def on_mount(self) -> None:
        """Begin to ask."""
        for name in ("replicas", "requests", "autoscaler", "inside", "pods", "events"):
            self.query_one(f"#{name}").border_title = name.capitalize()
        for feed in (self._view.fleet, self._view.traffic, self._view.events):
            self._follow(feed)
        self.set_interval(DRAW_SECONDS, self._draw)

    def on_unmount(self) -> None:
        """Let the threads end."""
        self._leaving.set()

    @work(thread=True)
    def _follow(self, feed: Feed[Any]) -> None:
        worker = get_current_worker()
        while not (worker.is_cancelled or self._leaving.is_set()):
            began = time.monotonic()
            feed.refresh()
            self.post_message(Brought(feed))
            self._leaving.wait(max(0.1, began + feed.period_seconds - time.monotonic()))

    def on_brought(self, message: Brought) -> None:
        """Take it into the lines over time."""
        self._view.remember(message.feed)

    def on_resize(self) -> None:
        """Fit the lines to the new width."""
        self.call_after_refresh(self._draw)

    def _draw(self) -> None:
        if not self.query("#status"):  # the timer may tick once more while the screen is taken down
            return
        view = self._view
        fleet, traffic, events = view.fleet, view.traffic, view.events
        self.query_one("#status", Static).update(self._status())
        self._panel("replicas", fleet, lambda value, width: panels.replicas(value, view.history, width))
        self._panel(
            "autoscaler", fleet, lambda value, width: panels.autoscaler(value.autoscaler, events.value or (), width)
        )
        self._panel("requests", traffic, lambda value, width: panels.requests(value, view.history, width))
        self._panel("inside", traffic, lambda value, _: panels.inside(value, view.application))
        self._panel("pod-lines", fleet, lambda value, width: panels.pods(value, traffic.value, width))
        self._panel("event-lines", events, lambda value, _: panels.events(value, EVENTS_SHOWN))

    def _panel(self, name: str, feed: Feed[Any], render: Callable[[Any, int], panels.Lines]) -> None:
        widget = self.query_one(f"#{name}", Static)
        if feed.value is not None:
            widget.update(Content("\n").join(render(feed.value, widget.content_size.width)))
        else:
            widget.update(Content.styled(feed.error, panels.BAD) if feed.error else "asking ...")
        widget.set_class(feed.value is None, "waiting")
        widget.set_class(panels.is_stale(feed), "stale")

    def _status(self) -> Content:
        view, release = self._view, self._view.release
        running = ago(time.time() - view.history.started_at)
        first, *reasons = panels.freshness(cluster=view.fleet, metrics=view.traffic)
        name = Content.assemble((f"{release.namespace}/{release.name}", "bold"), f" on {view.context}, {running}")
        return Content("\n").join([Content.assemble(name, first), *reasons])
