"""`python -m loadtests.wheel FOLDER`: build the wheel of the library in service/fleet."""

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LIBRARY = ROOT / "service" / "fleet"
PROJECT = "pyproject.toml"


def build(output: Path) -> Path:
    """Build the wheel into a folder; returns its path. uv does that by itself, and fetches nothing."""
    with tempfile.TemporaryDirectory(prefix="fleet-wheel-") as folder:
        laid_out = Path(folder)
        shutil.copytree(LIBRARY, laid_out / "fleet", ignore=shutil.ignore_patterns("__pycache__", PROJECT))
        for file in (LIBRARY / PROJECT, ROOT / "LICENSE"):
            shutil.copy(file, laid_out)
        uv = Path(sys.executable).with_name("uv")
        command = [str(uv), "build", "--quiet", "--offline", "--wheel", "--out-dir", str(output.resolve()), folder]
        subprocess.run(command, check=True)
    return max(output.glob("fastapi_fleet-*.whl"), key=lambda wheel: wheel.stat().st_mtime)


def main() -> int:
    """Build it, and say where it is."""
    parser = argparse.ArgumentParser(prog="python -m loadtests.wheel", description=__doc__)
    parser.add_argument("output", type=Path, metavar="FOLDER")
    print(build(parser.parse_args().output))
    return 0


if __name__ == "__main__":
    sys.exit(main())
