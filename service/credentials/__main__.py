"""`python -m service.credentials '<plan as JSON>'`: make the Secrets of a release, in the namespace this runs in."""

import sys

from pydantic import ValidationError

from service.credentials.api_server import ApiError, ApiServer
from service.credentials.plan import Plan
from service.credentials.provision import provision

EX_USAGE = 64  # of sysexits.h


def main(arguments: list[str], api: ApiServer | None = None) -> int:
    """Provision, telling what was done; returns the exit status."""
    if len(arguments) != 1:
        sys.stderr.write(f"{__doc__}\n")
        return EX_USAGE
    try:
        plan = Plan.model_validate_json(arguments[0])
    except ValidationError as error:
        sys.stderr.write(f"error: the plan: {error}\n")
        return EX_USAGE
    try:
        for line in provision(api or ApiServer(), plan):
            sys.stdout.write(f"{line}\n")
    except (ApiError, OSError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
