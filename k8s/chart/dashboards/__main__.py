"""Write the dashboards and their table in docs/observability.md; `--check` only says whether they are up to date."""

import argparse
import sys
from pathlib import Path

from k8s.chart.dashboards.files import generated

ROOT = Path(__file__).resolve().parents[3]


def main() -> int:
    """Write what differs and remove what is left over, or with `--check` answer 1 if there is any."""
    parser = argparse.ArgumentParser(prog="python -m k8s.chart.dashboards", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if a file differs")
    check: bool = parser.parse_args().check
    wanted = generated(ROOT)
    there = set((ROOT / "chart" / "dashboards").glob("*.json")) | {path for path in wanted if path.exists()}
    differing = {path for path, text in wanted.items() if path not in there or path.read_text(encoding="utf-8") != text}
    stale = there - set(wanted)
    if check:
        for path in sorted(differing | stale):
            sys.stderr.write(f"error: {path.relative_to(ROOT)} is not what the generator writes: run make generate\n")
        return 1 if differing | stale else 0
    for path in differing:
        path.parent.mkdir(exist_ok=True)
        path.write_text(wanted[path], encoding="utf-8")
    for path in stale:
        path.unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main())
