import argparse
from pathlib import Path

from loadtests.chaos.wish import NAMES, RESULTS, Wish

# Far more than a test of faults needs; what can be sent at all depends on the machine.
MOST_RATE = 2000


def add_options(parser: argparse.ArgumentParser) -> None:
    """Give a parser what this command takes beside the release's name."""
    otherwise = Wish()
    parser.add_argument("--yes", action="store_true", help="do it: without this, what would be done is told alone")
    parser.add_argument("--only", action="append", default=[], choices=NAMES, help="one of them (default: all)")
    parser.add_argument("--short", action="store_true", help="one round of each, not held to bounds of time")
    parser.add_argument("--drain", action="store_true", help="drain a node too, with all that others have on it")
    for name, number, help_ in (
        ("--rate", otherwise.rate, "requests/s of the steady load"),
        ("--peak", otherwise.peak, "requests/s that the load steps to, from a tenth of it"),
    ):
        parser.add_argument(name, type=_rate, default=number, metavar="NUMBER", help=f"{help_} (default: {number})")
    parser.add_argument("--output", type=Path, default=RESULTS, help="folder of the results (default: %(default)s)")


def wish_of(options: argparse.Namespace) -> Wish:
    """Read them."""
    return Wish(tuple(options.only), options.short, options.drain, options.yes, options.rate, options.peak)


def _rate(text: str) -> int:
    number = int(text)
    if not 1 <= number <= MOST_RATE:
        raise argparse.ArgumentTypeError(f"{text} is not between 1 and {MOST_RATE}")
    return number
