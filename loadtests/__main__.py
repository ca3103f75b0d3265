"""`python -m loadtests run | timeline | assess | chaos | watch | reaction | tune | size`."""

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from k8s.client.application import PROMETHEUS, Application
from k8s.client.errors import ApplicationError, ClusterError
from k8s.client.options import add_options, application_of
from k8s.cluster.kind import CONTEXT
from loadtests.chaos import options as chaos_options
from loadtests.environment import environment_of, overridden
from loadtests.errors import LoadTestError
from loadtests.interruption import sigterm_as_interrupt
from loadtests.k6 import NEEDS
from loadtests.loopback import resolve_below_localhost
from loadtests.run import run
from loadtests.tune import options as tune_options

if TYPE_CHECKING:
    from k8s.client.prometheus import Prometheus
    from k8s.client.release import Release


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name.isidentifier():
        raise argparse.ArgumentTypeError(f"{text!r}: write NAME=VALUE, for example VUS=50")
    return name, value


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m loadtests", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    single = commands.add_parser("run", help="run one k6 script against BASE_URL")
    single.add_argument("script", help="its name in loadtests/k6, without .js")
    single.add_argument("--output", type=Path, default=Path("build/loadtest"), help="folder of summaries")
    timeline = commands.add_parser("timeline", help="ramp the load and record how the replicas follow")
    timeline.add_argument(
        "--output", type=Path, default=Path("build/up"), help="folder of the record (default: %(default)s)"
    )
    assess = commands.add_parser("assess", help="measure a release against its targets, and write a report")
    assess.add_argument("--quick", action="store_true", help="a smoke run, at most 90 s, without the scaling")
    assess.add_argument(
        "--output", type=Path, default=Path("build/assess"), help="folder of the report (default: %(default)s)"
    )
    chaos = commands.add_parser("chaos", help="restart, scale, kill and drain a release under load")
    chaos_options.add_options(chaos)
    watch = commands.add_parser("watch", help="show a release live: replicas, requests, autoscaler, events")
    watch.add_argument("--once", action="store_true", help="print one look as plain text and leave")
    watch.add_argument(
        "--window", type=int, default=20, help="seconds that rates are averaged over (default: %(default)s)"
    )
    watch.add_argument("--picture", type=Path, help="keep the screen as this SVG instead, without a terminal")
    watch.add_argument("--seconds", type=float, default=60, help="how long to watch for it (default: %(default)s)")
    reaction = commands.add_parser("reaction", help="step the load and time each link of the scale-out")
    reaction.add_argument("--runs", type=int, default=5, help="steps to measure (default: %(default)s)")
    reaction.add_argument("--document", type=Path, help="a Markdown file that takes the table too")
    reaction.add_argument(
        "--output", type=Path, default=Path("build/reaction"), help="folder of the record (default: %(default)s)"
    )
    tune = commands.add_parser("tune", help="find what a replica holds, and write the values that follow")
    tune_options.add_options(tune)
    size = commands.add_parser("size", help="say what a load takes, from what `tune` found; needs no cluster")
    tune_options.add_size_options(size)
    single.add_argument("--app", type=Path, metavar="FILE", help="what is loaded: docs/app.md (default: the users API)")
    for command in (timeline, assess, chaos, watch, reaction, tune):
        add_options(command)
        command.add_argument("--context", default=CONTEXT, help="of the kubeconfig (default: %(default)s)")
        command.add_argument("--prometheus", help=f"its Service (default: the file's, or else {PROMETHEUS})")
    for command in (single, timeline, assess, reaction, tune):
        command.add_argument("variables", nargs="*", type=_pair, metavar="NAME=VALUE", help="variables of the script")
    return parser


def _run(options: argparse.Namespace) -> None:
    if options.command == "size":
        from loadtests.tune.size import size  # noqa: PLC0415 - matplotlib takes a second to import

        size(options)
        return
    application = application_of(options)
    match options.command:
        case "run":
            if lacking := application.lacks(*NEEDS.get(options.script, ())):
                raise LoadTestError(f"{options.script} {lacking}")
            run(options.script, _environment(options, application), options.output / options.script)
        case "timeline":
            _timeline(options, application)
        case "assess":
            _assess(options, application)
        case "chaos":
            _chaos(options, application)
        case "watch":
            from loadtests.watch import View, watch  # noqa: PLC0415 - Textual takes a second to import

            # A retry is a refresh later there; urllib3's own would write warnings across the screen.
            _, release, prometheus = _installed(options, application, retries=0)
            view = View(options.context, release, prometheus, options.window, application)
            watch(view, once=options.once, picture_path=options.picture, seconds=options.seconds)
        case "reaction":
            from loadtests.reaction import reaction  # noqa: PLC0415 - likewise the cluster's client

            reaction(
                *_installed(options, application),
                options.runs,
                environment=_environment(options, application),
                output=options.output,
                page=options.document,
                application=application,
            )
        case "tune":
            _tune(options, application)


def _timeline(options: argparse.Namespace, application: Application) -> None:
    from loadtests.timeline import OFFERED, timeline  # noqa: PLC0415 - likewise matplotlib

    _, release, prometheus = _installed(options, application)
    environment = {name: os.environ[name] for name in OFFERED if os.environ.get(name)}
    environment |= _environment(options, application)
    found = timeline(release, prometheus, environment, options.output, application)
    if found.reasons:
        raise LoadTestError("; ".join(found.reasons))


def _assess(options: argparse.Namespace, application: Application) -> None:
    from loadtests.assess import FULL, QUICK, Installation, assess  # noqa: PLC0415 - likewise

    installation = Installation.connect(
        context=options.context,
        application=application,
        environment={**os.environ, **_environment(options, application)},
    )
    assess(installation, QUICK if options.quick else FULL, options.output)


def _chaos(options: argparse.Namespace, application: Application) -> None:
    from loadtests.chaos.command import chaos  # noqa: PLC0415 - likewise
    from loadtests.chaos.site import Site  # noqa: PLC0415 - likewise

    _, release, prometheus = _installed(options, application)
    wish = chaos_options.wish_of(options)
    chaos(Site(release, prometheus, application, _environment(options, application), wish), options.output)


def _tune(options: argparse.Namespace, application: Application) -> None:
    from loadtests.tune.command import tune  # noqa: PLC0415 - likewise matplotlib
    from loadtests.tune.wish import Wish  # noqa: PLC0415 - likewise

    wish = Wish.of(options, _environment(options, application))
    api, release, _ = _installed(options, application)
    tune(api, release, wish, options.output)


def _installed(
    options: argparse.Namespace, application: Application, retries: int | None = None
) -> "tuple[Any, Release, Prometheus]":
    from k8s.client.api import connect  # noqa: PLC0415 - likewise
    from k8s.client.prometheus import Prometheus  # noqa: PLC0415 - likewise
    from k8s.client.release import Release  # noqa: PLC0415 - likewise

    api = connect(options.context, retries=retries)
    release = Release(api, application.namespace, application.release, application.deployment)
    return api, release, Prometheus(api, application.prometheus)


def _environment(options: argparse.Namespace, application: Application) -> dict[str, str]:
    if above := overridden(application, os.environ):
        sys.stderr.write(f"note: {' and '.join(above)} of the environment, and not what {application.file} says\n")
    return environment_of(application, os.environ, dict(options.variables))


def main() -> int:
    """Run one command; returns the exit status."""
    parser = _parser()
    options, late = parser.parse_known_args()
    if wrong := [
        word for word in late if word.startswith("-") or "=" not in word or options.command in {"watch", "size"}
    ]:
        parser.error(f"unrecognized arguments: {' '.join(wrong)}")
    try:
        # argparse itself takes variables before the options only.
        options.variables = [*getattr(options, "variables", ()), *map(_pair, late)]
    except argparse.ArgumentTypeError as error:
        parser.error(str(error))
    try:
        with sigterm_as_interrupt():
            _run(options)
    except (ApplicationError, ClusterError, LoadTestError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    resolve_below_localhost()
    sys.exit(main())
