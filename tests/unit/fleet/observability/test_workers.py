import os
import subprocess
import sys
from pathlib import Path

import pytest

from service.fleet.observability.workers import forget_the_dead


def test_gauges_of_dead_workers_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Live gauges go with their process; what it counted stays, and so does all of one that lives."""
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    with subprocess.Popen([sys.executable, "-c", ""]) as dead:
        dead.wait()
    stays = [f"counter_{dead.pid}.db", f"gauge_livesum_{os.getpid()}.db", f"counter_{os.getpid()}.db", "notes.txt"]
    for name in [*stays, f"gauge_livesum_{dead.pid}.db", f"gauge_livemin_{dead.pid}.db"]:
        (tmp_path / name).touch()
    forget_the_dead()
    assert {file.name for file in tmp_path.iterdir()} == set(stays)
