import json
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from loadtests.errors import LoadTestError

SCRIPTS = Path(__file__).parent / "k6"
# https://grafana.com/docs/k6/latest/using-k6/thresholds: k6's exit status when a threshold was crossed.
THRESHOLDS_CROSSED = 99


# What a script needs of an application beside something to read.
NEEDS = {"burn": ("burn",), "write": ("write.path",)}


def scripts() -> list[str]:
    """Names of the scripts that can be run."""
    return sorted(path.stem for path in SCRIPTS.glob("*.js") if "export const options" in path.read_text())


def command(script: str, environment: Mapping[str, str], *arguments: str) -> list[str]:
    """Make the command line that runs `script`.

    Raises:
        LoadTestError: there is no such script, or no k6.
    """
    if script not in scripts():
        raise LoadTestError(f"there is no script {script!r} in loadtests/k6: choose {', '.join(scripts())}")
    variables = [word for name, value in environment.items() for word in ("--env", f"{name}={value}")]
    # Without an address there is no control port, which a second k6 would find taken.
    return [executable(), "run", "--address", "", *variables, *arguments, str(SCRIPTS / f"{script}.js")]


def verdict(exit_status: int, summary: Path) -> str | None:
    """Say what k6's exit status means, with the thresholds of its exported `summary`; None: all is well."""
    match exit_status:
        case 0:
            return None
        case _ if exit_status == THRESHOLDS_CROSSED:
            return f"k6: a threshold was crossed: {', '.join(_crossed(summary)) or 'see its output'}"
        case _:
            return f"k6 ended with status {exit_status}"


def _crossed(summary: Path) -> list[str]:
    if not summary.exists():
        return []
    metrics = json.loads(summary.read_text())["metrics"]
    return [
        f"{name} {threshold}"
        for name, metric in metrics.items()
        for threshold, crossed in metric.get("thresholds", {}).items()
        if crossed
    ]


def executable() -> str:
    """Find k6: beside this Python, else on PATH.

    Raises:
        LoadTestError: there is none.
    """
    beside_python = Path(sys.executable).with_name("k6")
    found = str(beside_python) if beside_python.exists() else shutil.which("k6")
    if not found:
        raise LoadTestError("k6 is missing: `make .venv/installed` brings it, or see https://grafana.com/docs/k6")
    return found
