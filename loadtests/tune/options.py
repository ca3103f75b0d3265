import argparse
from pathlib import Path

LOW_SHARE = 10


def add_options(parser: argparse.ArgumentParser) -> None:
    """Give a parser what this command takes beside the release's name."""

    def number(name: str, help_: str, otherwise: float | None = None) -> None:
        parser.add_argument(name, type=_above_0, default=otherwise, metavar="NUMBER", help=help_)

    parser.add_argument(
        "--peak", type=_above_0, required=True, metavar="NUMBER", help="the most requests/s that are to come"
    )
    number("--low", f"the fewest, of a night (default: a {LOW_SHARE}th of the peak)")
    number("--step", "so many times as much may come before new replicas help (default: %(default)s)", 1.5)
    number("--rise", "seconds in which the load goes from the fewest to the peak (default: %(default)s)", 300)
    number("--reaction", "seconds until a new replica helps, as `make reaction` has it (default: by the values)")
    number("--p95", "milliseconds within which 95 %% are to be answered (default: %(default)s)", 50)
    number("--step-seconds", "how long each rate is offered (default: %(default)s)", 8)
    number("--first", "requests/s a replica where the search begins (default: %(default)s)", 20)
    parser.add_argument(
        "--values",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="the release's, as Helm had them",
    )
    parser.add_argument(
        "--hold",
        type=int,
        nargs="?",
        const=0,
        metavar="REPLICAS",
        help="keep so many replicas, or those that there are, while they are measured: changes the autoscaler's bounds",
    )
    parser.add_argument(
        "--output", type=Path, default=Path("build/tune"), help="folder of values, page and plot (default: %(default)s)"
    )


def _above_0(text: str) -> float:
    number = float(text)
    if not number > 0:
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return number
