import sys
from pathlib import Path

from textual.content import Content

from loadtests.errors import LoadTestError
from loadtests.watch import panels
from loadtests.watch.app import WatchApp
from loadtests.watch.picture import picture
from loadtests.watch.view import View

EVENTS_SHOWN = 10


def watch(view: View, *, once: bool = False, picture_path: Path | None = None, seconds: float = 60) -> None:
    """Show the release until the user leaves; or print it once; or keep its picture after so many seconds.

    Raises:
        LoadTestError: `once` or the picture was asked for and the cluster or Prometheus did not answer, or there is no
            terminal to show the view in.
    """
    if once:
        _print_once(view)
        return
    if picture_path is not None:
        picture(view, picture_path, seconds)
        sys.stdout.write(f"{view.history.summary()}\nwritten: {picture_path}\n")
        return
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise LoadTestError("the live view needs a terminal: --once prints what it would show")
    WatchApp(view).run()
    sys.stdout.write(view.history.summary() + "\n")


def _print_once(view: View) -> None:
    """Print numbers and words only: drawn bars say nothing to a screen reader or a script."""
    feeds = (view.fleet, view.traffic, view.events)
    for feed in feeds:
        feed.refresh()
        view.remember(feed)
    parts: list[tuple[str, panels.Lines]] = []
    if (fleet := view.fleet.value) is not None:
        parts.append(("Replicas", panels.replicas(fleet, view.history, 0)))
        parts.append(("Pods", panels.pods(fleet, view.traffic.value, 0)))
        parts.append(("Autoscaler", panels.autoscaler(fleet.autoscaler, view.events.value or (), 0)))
    if view.traffic.value is not None:
        parts.append(("Requests", panels.requests(view.traffic.value, view.history, 0)))
        parts.append(("Inside", panels.inside(view.traffic.value, view.application)))
    if view.events.value is not None:
        parts.append(("Events", panels.events(view.events.value, EVENTS_SHOWN)))
    sys.stdout.write(f"{view.release.namespace}/{view.release.name} on {view.context}\n")
    for title, lines in parts:
        sys.stdout.write(f"\n{title}\n" + "".join(f"  {_plain(line)}\n" for line in lines))
    if errors := [feed.error for feed in feeds if feed.error]:
        raise LoadTestError("; ".join(dict.fromkeys(errors)))


def _plain(line: Content) -> str:
    return line.plain.rstrip()
