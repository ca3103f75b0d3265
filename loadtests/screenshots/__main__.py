"""`python -m loadtests.screenshots [NAME ...]`: make these pictures of docs/screenshots anew, all if none is named."""

import argparse
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from k8s.client.errors import ClusterError
from loadtests.errors import LoadTestError
from loadtests.screenshots import live_view, report_page

FOLDER = Path("docs/screenshots")
# Each takes the folder and the load's environment, and returns what it wrote.
SHOTS: Mapping[str, Callable[[Path, Mapping[str, str]], Path]] = {
    "watch": live_view.shot,
    **report_page.SHOTS,
}


def main() -> int:
    """Make the pictures; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m loadtests.screenshots", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(SHOTS))
    names = parser.parse_args().names or list(SHOTS)
    if unknown := set(names) - set(SHOTS):
        parser.error(f"no picture is named {', '.join(sorted(unknown))}: choose of {', '.join(SHOTS)}")
    environment = {"BASE_URL": os.environ.get("BASE_URL", "http://localhost:8080")}
    try:
        for name in names:
            sys.stdout.write(f"written: {SHOTS[name](FOLDER, environment)}\n")
    except (ClusterError, LoadTestError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
