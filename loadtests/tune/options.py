import argparse
import math
from pathlib import Path

LOW_SHARE = 10
# Where `tune` writes, and what of it `size` reads.
RESULT = Path("build/tune")
RECORD = "tune.json"


def add_load_options(parser: argparse.ArgumentParser) -> None:
    """Give a parser what is said of the load that is to come, and of the release that is to bear it."""
    parser.add_argument(
        "--peak", type=_above_0, required=True, metavar="NUMBER", help="the most requests/s that are to come"
    )
    _number(parser, "--low", f"the fewest, of a night (default: a {LOW_SHARE}th of the peak)")
    _number(parser, "--step", "so many times as much may come before new replicas help (default: %(default)s)", 1.5)
    _number(parser, "--rise", "seconds in which the load goes from the fewest to the peak (default: %(default)s)", 300)
    _number(
        parser, "--reaction", "seconds until a new replica helps, as `make reaction` has it (default: by the values)"
    )
    parser.add_argument(
        "--values",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="the release's, as Helm had them",
    )


def add_options(parser: argparse.ArgumentParser) -> None:
    """Give a parser what `tune` takes beside the release's name."""
    add_load_options(parser)
    _number(parser, "--p95", "milliseconds within which 95 %% are to be answered (default: %(default)s)", 50)
    _number(parser, "--step-seconds", "how long each rate is offered (default: %(default)s)", 8)
    _number(parser, "--first", "requests/s a replica where the search begins (default: %(default)s)", 20)
    parser.add_argument(
        "--hold",
        type=int,
        nargs="?",
        const=0,
        metavar="REPLICAS",
        help="keep so many replicas, or those that there are, while they are measured: changes the autoscaler's bounds",
    )
    parser.add_argument(
        "--output", type=Path, default=RESULT, help="folder of values, page and plot (default: %(default)s)"
    )


def add_size_options(parser: argparse.ArgumentParser) -> None:
    """Give a parser what `size` takes: what a replica holds, by a file of `tune` or by hand."""
    add_load_options(parser)
    parser.add_argument(
        "--measured",
        type=Path,
        metavar="FILE",
        help=f"what `make tune` found (default: {RESULT / RECORD}, if no --capacity is given)",
    )
    _number(parser, "--capacity", "requests/s that a replica holds, instead of what was measured")
    _number(parser, "--node-cores", "cores that a node has for pods, to say how many nodes it takes")
    _number(parser, "--node-gibibytes", "memory that a node has for pods, likewise")
    parser.add_argument(
        "--output", type=Path, default=Path("build/size"), help="folder of values and page (default: %(default)s)"
    )


def _number(parser: argparse.ArgumentParser, name: str, help_: str, otherwise: float | None = None) -> None:
    parser.add_argument(name, type=_above_0, default=otherwise, metavar="NUMBER", help=help_)


def _above_0(text: str) -> float:
    number = float(text)
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is no number above 0")
    return number
