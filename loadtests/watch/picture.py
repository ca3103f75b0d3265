import re
from pathlib import Path

from textual.pilot import Pilot

from loadtests.errors import LoadTestError
from loadtests.watch.app import WatchApp
from loadtests.watch.view import View

COLUMNS, LINES = 110, 34
# Textual asks a CDN for its font; a picture in a README must ask nobody.
FONT_FACE = re.compile(r"\s*@font-face \{.*?\}", re.DOTALL)


def picture(view: View, path: Path, seconds: float) -> None:
    """Run the live view without a terminal for so long, then keep its screen as an SVG.

    Raises:
        LoadTestError: nothing was to be seen.
    """
    app = WatchApp(view)
    drawn: list[str] = []

    async def look(pilot: Pilot[object]) -> None:
        await pilot.pause(seconds)
        drawn.append(app.export_screenshot(title=f"make watch: {view.release.name}"))
        app.exit()

    app.run(headless=True, size=(COLUMNS, LINES), auto_pilot=look)
    if error := view.fleet.error or view.traffic.error:
        raise LoadTestError(error)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(FONT_FACE.sub("", drawn[0]))
