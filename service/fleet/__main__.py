"""`python -m fleet shop:app --prefix SHOP_`: serve an application, as its variables say."""

import argparse
import gc
import sys

from pydantic import ValidationError

from .running import run
from .settings.fleet_settings import FleetSettings
from .settings.problems import ENTRIES, EX_USAGE, Problems


def main() -> int:
    """Serve until a signal ends it; returns the exit status."""
    gc.disable()  # the start makes little garbage; the lifespan ends this
    parser = argparse.ArgumentParser(prog="python -m fleet", description="Serve an application.")
    parser.add_argument("application", metavar="MODULE:NAME", help="where it is, such as shop:app")
    parser.add_argument("--prefix", default="FLEET_", help="of the variables that set it (default: %(default)s)")
    options = parser.parse_args()
    try:
        settings = FleetSettings(options.prefix)
    except ValidationError as error:
        problems = Problems(FleetSettings, options.prefix, ENTRIES).of(error)
        sys.stderr.writelines(f"error: {problem}\n" for problem in problems)
        return EX_USAGE
    return run(options.application, settings)


if __name__ == "__main__":
    sys.exit(main())
