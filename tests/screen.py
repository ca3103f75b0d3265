from collections.abc import Callable
from typing import Any

import pytest
from textual.app import App
from textual.pilot import Pilot


def screen(app: App[Any]) -> str:
    """What the terminal shows, line by line."""
    return "\n".join(strip.text.rstrip() for strip in app.screen._compositor.render_strips())


async def wait_for_screen(pilot: Pilot[Any], shown: Callable[[str], bool], seconds: float = 60) -> str:
    """Let the app run until its screen holds what is wanted."""
    for _ in range(round(seconds * 10)):
        if shown(seen := screen(pilot.app)):
            return seen
        await pilot.pause(0.1)
    pytest.fail(f"never shown; the screen at the end:\n{screen(pilot.app)}")
