import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from service import dev

pytestmark = pytest.mark.integration


def test_dev_serves_with_a_redis_of_its_own_and_ends_both(tmp_path: Path) -> None:
    """The development server answers with its Redis connected, and leaves neither running."""
    port = dev.free_port()
    environment = {**os.environ, "USERS_API_PORT": str(port), "TMPDIR": str(tmp_path)}
    process = subprocess.Popen([sys.executable, "-m", "service.dev"], env=environment, stdout=subprocess.DEVNULL)
    try:
        health = _wait_for_health(port, process)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=30)
    assert health["status"] == "healthy"
    assert health["redis"] is True
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(f"http://127.0.0.1:{port}/livez", timeout=2)


def _wait_for_health(port: int, process: subprocess.Popen[bytes]) -> dict[str, object]:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/health", timeout=2) as response:
                content: dict[str, object] = json.load(response)
                return content
        except urllib.error.URLError:
            time.sleep(0.1)
    raise AssertionError("the development server did not answer within 30 s")
