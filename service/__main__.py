"""`python -m service`: serve, as the settings say."""

import gc
import os
import sys
from logging import getLogger

from pydantic import ValidationError

from service.fleet import run
from service.fleet.observability import logging
from service.fleet.settings.environment import service_links
from service.settings import EX_USAGE, PREFIX, Settings, problems

SERVICE_LINKS = (
    "ignored what Kubernetes says of a Service with a name like this one's settings: set enableServiceLinks: false in"
    " the pod's spec, or name the Service otherwise"
)
logger = getLogger(__name__)


def main() -> int:
    """Serve until a signal ends it; returns the exit status."""
    gc.disable()  # the start makes little garbage, and looking for it takes 60 of its 800 ms; the lifespan ends this
    # FastAPI loads it only to refuse its models, and goes without where it is told that there is none: 4 % of a start.
    sys.modules.setdefault("pydantic.v1", None)  # type: ignore[arg-type] # as importlib is told that
    try:
        settings = Settings()
    except ValidationError as error:
        sys.stderr.writelines(f"error: {problem}\n" for problem in problems(error))
        return EX_USAGE
    if links := service_links(os.environ, PREFIX):
        logging.configure(settings.log_level)
        logger.warning(SERVICE_LINKS, extra={"variables": links})
    return run("service.app:create_app", settings, is_factory=True)


if __name__ == "__main__":
    sys.exit(main())
