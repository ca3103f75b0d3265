import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def build(folder: Path, helm: str = "helm") -> Path:
    """Put tests/chart/umbrella, with the packaged chart among its charts, into a new folder; returns it."""
    umbrella = folder / "umbrella"
    shutil.copytree(ROOT / "tests" / "chart" / "umbrella", umbrella)
    command = (helm, "package", str(ROOT / "chart"), "--destination", str(umbrella / "charts"))
    subprocess.run(command, check=True, capture_output=True)
    return umbrella
