import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest

from k8s.client.prometheus import Prometheus
from loadtests.watch import View
from loadtests.watch.app import WatchApp
from tests.e2e.helm import CONTEXT
from tests.e2e.load import constant_rate
from tests.e2e.release import MINIMUM, Release
from tests.screen import wait_for_screen

pytestmark = [pytest.mark.e2e, pytest.mark.anyio]

RATE = 80
SHARE = r"Ready .*\d+% +[\d.]+/s"
WATCH = (sys.executable, "-m", "loadtests", "watch", "--context", CONTEXT)


def _number(text: str, pattern: str) -> float:
    found = re.search(pattern, text)
    return float(found[1]) if found else 0


async def test_view_follows_a_scale_out(release: Release, prometheus: Prometheus, tmp_path: Path) -> None:
    """Under load the screen shows more replicas ready than before, the rate, latency, and the autoscaler's reason."""
    view = View(CONTEXT, release, prometheus, window_seconds=20)
    with constant_rate(tmp_path, requests_per_second=RATE):
        async with WatchApp(view).run_test(size=(120, 40)) as pilot:
            await wait_for_screen(pilot, lambda text: _number(text, r"(\d+) ready, ") > MINIMUM, seconds=120)
            await wait_for_screen(pilot, lambda text: _number(text, r" 200: ([\d.]+)/s") > RATE / 2)
            seen = await wait_for_screen(pilot, lambda text: len(re.findall(SHARE, text)) > MINIMUM)
            assert _number(seen, r"p95 ([\d.]+) m?s") > 0
            assert _number(seen, r"request rate\s+([\d.]+) of 30 /s each") > 0
            assert "OLD" not in seen
            # Its end is on the panel's next line, or beyond it.
            await wait_for_screen(pilot, lambda text: bool(re.search(r"New size: \d+; reason: \w+", text)))
            await pilot.press("q")
    assert view.history.most_ready > MINIMUM
    release.wait_for_replicas(MINIMUM, seconds=120)


def test_once_prints_a_look_and_ends_well(release: Release, tmp_path: Path) -> None:
    """A script gets plain text with the replicas and a rate, and status 0."""
    with constant_rate(tmp_path, requests_per_second=RATE // 4):
        deadline = time.monotonic() + 60
        while True:
            done = subprocess.run((*WATCH, "--once"), capture_output=True, text=True, check=False, timeout=60)
            assert (done.returncode, done.stderr) == (0, "")
            if _number(done.stdout, r" 200: ([\d.]+)/s") > 1 or time.monotonic() > deadline:
                break
    assert _number(done.stdout, r" 200: ([\d.]+)/s") > 1
    assert f"{release.ready()} ready, " in done.stdout
    assert "\x1b" not in done.stdout


def test_terminal_is_left_with_q_and_a_summary(release: Release) -> None:
    """In a real terminal of 80 x 24 without colour it draws, leaves on q with status 0, and prints what there was."""
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    environment = {**os.environ, "NO_COLOR": "1", "TERM": "xterm-256color"}
    with subprocess.Popen(WATCH, stdin=follower, stdout=follower, stderr=follower, env=environment) as process:
        os.close(follower)
        drawn = _read_until(leader, b"wanted")
        os.write(leader, b"q")
        drawn += _read_until(leader, b" at last")
        process.wait(timeout=30)
    os.close(leader)
    assert process.returncode == 0
    assert b"Traceback" not in drawn
    assert f"replicas ready: {release.ready()} at first".encode() in drawn


def _read_until(terminal: int, words: bytes) -> bytes:
    drawn = b""
    while words not in drawn:
        assert select.select([terminal], [], [], 60)[0], f"no {words!r} in {drawn!r}"
        drawn += os.read(terminal, 65536)
    return drawn
