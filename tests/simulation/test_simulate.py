import json
import subprocess
import sys
from pathlib import Path

import pytest

OUTPUTS = ("simulate.json", "simulate.md", "simulate.png")


def _processes_below(folder: Path) -> list[str]:
    found = []
    for commandline in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = commandline.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:  # it ended meanwhile
            continue
        if str(folder) in words and "loadtests.simulate" not in words:
            found.append(words)
    return found


def test_the_real_autoscaler_follows_simulated_traffic(tmp_path: Path) -> None:
    """A surge of 10x is met by more pods than before, costs what they cost, and leaves no process behind."""
    command = (
        sys.executable,
        "-m",
        "loadtests.simulate",
        "--quick",
        "--settings",
        "chart",
        "tight",
        "--output",
        tmp_path,
    )
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert all((tmp_path / name).stat().st_size for name in OUTPUTS)
    seen = json.loads((tmp_path / "simulate.json").read_text())
    chart, tight = seen["outcomes"]["flash"]["chart"], seen["outcomes"]["flash"]["tight"]
    needed = 3000 / seen["capacity_rps"]
    assert chart["most_replicas"] >= needed
    assert 0 < chart["over_capacity"] < chart["requests"]
    assert chart["requests"] == tight["requests"]
    # A tighter target buys less and holds less.
    assert tight["pod_hours"] < chart["pod_hours"]
    assert tight["most_replicas"] < chart["most_replicas"]
    # Fewer pods than the base needs or more than ever were there cannot be.
    counted_hours = 720 / 3600
    assert 2 * counted_hours < chart["pod_hours"] < chart["most_replicas"] * counted_hours
    assert seen["fidelity"]["between_looks_p50_s"] == pytest.approx(15, abs=10)
    assert _processes_below(tmp_path) == []
