"""`python -m loadtests.bench`: measure, print the tables, write build/bench."""

import argparse
import json
import sys
import time
from pathlib import Path

from loadtests.bench import (
    ablation,
    cores,
    footprint,
    machine,
    overload,
    plot,
    process,
    report,
    summary,
    uncached,
    verdict,
)
from loadtests.bench.contestants import contestants
from loadtests.bench.record import Record
from loadtests.bench.rounds import Bench, interleave
from loadtests.errors import LoadTestError


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m loadtests.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a smoke test of 150 s: shorter, no ablation, no verdict")
    parser.add_argument("--soak", action="store_true", help="ten more minutes of load, watching memory")
    parser.add_argument("--output", type=Path, default=Path("build/bench"), help="folder (default: %(default)s)")
    return parser.parse_args()


def _show(line: str) -> None:
    print(f"[{time.strftime('%H:%M:%S')}] {line}", flush=True)


def _measure(bench: Bench, options: argparse.Namespace) -> Record:
    facts = machine.facts()
    if machine.is_busy():
        _show("something else is running here: rates will be low, and rounds far apart")
    results = interleave(bench, contestants(), _show)
    looked_up = uncached.measure(bench, _show)
    overloads = overload.measure(bench, _show)
    _show("start and memory")
    starts = footprint.start_seconds(bench)
    answered, rss_mib = footprint.rss_after_requests(bench)
    costs = []
    if not options.quick:
        _show("one setting changed at a time")
        costs = ablation.ablate(bench, _show)
    soak = footprint.soak(bench, _show) if options.soak else None
    ratios, of_look_ups = summary.ratios(results), summary.look_up_ratios(looked_up)
    return Record(facts, results, ratios, starts, answered, rss_mib, looked_up, of_look_ups, overloads, costs, soak)


def main() -> int:
    """Run the benchmark; the exit status is 1 when a target was missed or nothing could be measured."""
    options = _options()
    logs = options.output / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    try:
        server_core, load_core = cores.choose()
        _show(f"about {150 if options.quick else 510} s" + (" and ten minutes of soak" if options.soak else ""))
        rounds, seconds = (3, 1) if options.quick else (5, 3)
        with process.redis(load_core, logs) as redis_url:
            record = _measure(Bench(server_core, load_core, redis_url, logs, rounds, seconds), options)
    except LoadTestError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    except KeyboardInterrupt:
        return 130
    (options.output / "bench.json").write_text(json.dumps(record.as_json(), indent=2) + "\n")
    (options.output / "bench.md").write_text(table := report.markdown(record))
    plot.draw(record.results, options.output / "bench.png")
    print(f"\n{table}")
    _show(f"written: {options.output}/bench.json, bench.md, bench.png")
    reasons = verdict.missed(record)
    for reason in reasons:
        sys.stderr.write(f"missed: {reason}\n")
    return 1 if reasons and not options.quick else 0


if __name__ == "__main__":
    sys.exit(main())
