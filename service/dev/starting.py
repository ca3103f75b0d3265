import subprocess
import time
from collections.abc import Callable

START_SECONDS = 30


def answers(process: subprocess.Popen[bytes], asked: Callable[[], bool]) -> bool:
    """Ask a server that was just started until it answers; False if it ends, or does not within `START_SECONDS`."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        if asked():
            return True
        time.sleep(0.02)
    return False
