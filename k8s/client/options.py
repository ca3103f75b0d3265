"""Options of a command line that say which application is meant."""

from argparse import ArgumentParser, Namespace
from dataclasses import replace
from pathlib import Path

from k8s.client.application import USERS_API, Application
from k8s.client.application_file import read_application


def add_options(parser: ArgumentParser) -> None:
    """Take a file, and what counts more than what it says."""
    otherwise = "(default: the file's, or else %s)"
    parser.add_argument("--app", type=Path, metavar="FILE", help="what it is: docs/app.md (default: the users API)")
    parser.add_argument("--namespace", help=f"the release's {otherwise % USERS_API.namespace}")
    parser.add_argument("--release", help=f"its name {otherwise % USERS_API.release}")
    parser.add_argument("--deployment", help="which, where the release has the API more than once")


def application_of(options: Namespace) -> Application:
    """Read the file, if one is named, and put above it what was given beside it.

    Raises:
        ApplicationError: the file cannot be used.
    """
    application = read_application(options.app) if options.app else USERS_API
    given = {name: getattr(options, name, None) for name in ("namespace", "release", "deployment", "prometheus")}
    return replace(application, **{name: value for name, value in given.items() if value})
