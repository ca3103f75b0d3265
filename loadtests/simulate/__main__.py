"""`python -m loadtests.simulate`: run the settings and the scale, print the tables, write build/simulate."""

import argparse
import json
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

from k8s.cluster.revision import revision
from k8s.cluster.steps import StepError, Steps
from k8s.simulation import Programs
from loadtests.errors import LoadTestError
from loadtests.machine import machine
from loadtests.simulate import plot, report, traffic
from loadtests.simulate.comparison import SPEEDS, compare
from loadtests.simulate.record import Record
from loadtests.simulate.scale import scale
from loadtests.simulate.scenarios import SYNC_SECONDS, scenarios

DOCS = Path("docs")
_PAGE = """# What the autoscaler's settings cost

Written by `make simulate`, as it stands here: the real autoscaler and scheduler against nodes and pods that kwok
simulates, driven by synthetic traffic.

![Pods over time, what each setting cost and missed, and the growth to 10,000 pods](simulation.png)

{report}"""


def _options() -> argparse.Namespace:
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "users-api"
    parser = argparse.ArgumentParser(prog="python -m loadtests.simulate", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="a smoke test of 90 s: no noise, no scale run, no verdict on this machine"
    )
    parser.add_argument("--nodes", type=int, help="of the scale run, with ten pods each (default: 1000, quick: 0)")
    parser.add_argument(
        "--speed",
        type=int,
        choices=SPEEDS,
        default=SPEEDS[-1],
        help="of the comparison, in times of time; slower for a busy machine (default: %(default)s)",
    )
    parser.add_argument("--settings", nargs="+", default=[], metavar="NAME", help="compare only these")
    parser.add_argument("--recorded", type=Path, metavar="CSV", help="traffic to add: columns time_s and rps")
    parser.add_argument("--cache", type=Path, default=cache, help="built binaries (default: %(default)s)")
    parser.add_argument("--output", type=Path, default=Path("build/simulate"), help="folder (default: %(default)s)")
    parser.add_argument("--document", action="store_true", help="write docs/simulation.md and its picture as well")
    return parser.parse_args()


def _simulate(options: argparse.Namespace, output: Path) -> Record:
    steps = Steps(output)
    recording = traffic.recorded(options.recorded) if options.recorded else None
    nodes = (0 if options.quick else 1000) if options.nodes is None else options.nodes
    programs = Programs.build(options.cache.resolve(), steps)
    before = {**machine(), "revision": revision()}
    chosen = scenarios(quick=options.quick, recording=recording)
    compared = steps.run(
        "compare settings",
        lambda: compare(programs, chosen, options.settings, options.speed, steps),
        about=f"{len(chosen[0].slices[0].rates) // options.speed // 60 + 1} min",
    )
    record = Record(before, compared, None)
    if nodes:
        _write(record, output, document=options.document)  # the longer part is safe, whatever comes
        grown = steps.run(f"grow to {nodes} nodes", lambda: scale(programs, nodes, steps), about="5 min")
        record = replace(record, scale=grown)
    return record


def _write(record: Record, output: Path, *, document: bool) -> str:
    (output / "simulate.json").write_text(json.dumps(record.as_json(), indent=2) + "\n", encoding="utf-8")
    (output / "simulate.md").write_text(text := report.markdown(record), encoding="utf-8")
    plot.draw(record, output / "simulate.png")
    if document:
        (DOCS / "simulation.md").write_text(_PAGE.format(report=text), encoding="utf-8")
        plot.draw(record, DOCS / "simulation.png")
    return text


def main() -> int:
    """Run it all; the exit status is 1 when something was missing or failed, or the machine too slow."""
    options = _options()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends the processes as Ctrl-C does
    output = options.output.resolve()
    output.mkdir(parents=True, exist_ok=True)
    try:
        record = _simulate(options, output)
    except (LoadTestError, StepError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    except KeyboardInterrupt:
        return 130
    print(f"\n{_write(record, output, document=options.document)}")
    print(f"written: {options.output}/simulate.json, simulate.md, simulate.png")
    if options.quick:
        return 0
    try:
        record.comparison.fidelity.require(SYNC_SECONDS)
    except LoadTestError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
