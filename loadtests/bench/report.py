from collections.abc import Iterator, Mapping, Sequence
from itertools import chain

from loadtests.bench.ablation import Cost
from loadtests.bench.lookups.lookup import WORKERS
from loadtests.bench.overload import (
    CACHED_P99_MS,
    CACHED_RATE,
    REFUSED_P99_MS,
    STATEMENT_SECONDS,
    UNCACHED_RATE,
    Overload,
)
from loadtests.bench.record import Record
from loadtests.bench.summary import (
    LOOK_UP_TARGETS,
    LOOK_UPS_BROKEN,
    RATIOS,
    TARGETS,
    Results,
    median_p99_ms,
    median_rate,
)


def markdown(record: Record) -> str:
    """Write the run as tables for a person, on a terminal or in the docs."""
    rounds = len(next(iter(record.results.values())))
    return "\n".join(
        [
            f"One worker on one core of {record.machine['cpu']}; wrk with 32 connections and Redis on another.",
            f"Medians of {rounds} interleaved rounds; revision {record.machine['revision']}.",
            "",
            *_rates(record.results),
            "",
            *_ratios(record.ratios),
            "",
            *_look_ups(record.look_ups, record.look_up_ratios),
            "",
            f"Twice the load: {UNCACHED_RATE} uncached reads a second, whose statements take {STATEMENT_SECONDS} s,",
            f"on {WORKERS} connections, beside {CACHED_RATE} cached ones.",
            "",
            *_overloads(record.overloads),
            "",
            *_table(("of the service", "measured"), iter(record.footprint.items())),
            *(["", *_costs(record.costs)] if record.costs else []),
            "",
        ]
    )


def _rates(results: Results) -> Iterator[str]:
    yield from _table(
        ("server", "requests/s", "p99, ms"),
        ((label, f"{median_rate(seen):,.0f}", f"{median_p99_ms(seen):.1f}") for label, seen in results.items()),
    )


def _ratios(ratios: Mapping[str, Mapping[str, float]]) -> Iterator[str]:
    rows = (
        (name, *(f"{of_server[name]:.2f}" for of_server in ratios.values()), str(TARGETS.get(name, "")))
        for name in RATIOS
    )
    yield from _table(("ratio", *ratios, "at least, on uvicorn"), rows)


def _look_ups(results: Results, ratios: Mapping[str, float]) -> Iterator[str]:
    rows = (
        (
            name,
            f"{median_rate(seen):,.0f}",
            f"{median_p99_ms(seen):.1f}",
            f"{ratios.get(name, 1):.2f}",
            _wanted(name),
        )
        for name, seen in results.items()
    )
    yield from _table(("a user from PostgreSQL", "look-ups/s", "p99, ms", "of the driver's", "wanted"), rows)


def _wanted(look_up: str) -> str:
    if look_up in LOOK_UPS_BROKEN:
        return f"below {LOOK_UP_TARGETS[LOOK_UPS_BROKEN[look_up]]}"
    return f"at least {LOOK_UP_TARGETS[look_up]}" if look_up in LOOK_UP_TARGETS else ""


def _overloads(overloads: Mapping[str, Overload]) -> Iterator[str]:
    head = ("twice the load", "users/s", "503/s", "503 p99, ms", "cached p99, ms", "failed")
    rows = (
        (
            name,
            f"{seen.served / seen.seconds:.0f}",
            f"{seen.refused / seen.seconds:.0f}",
            _milliseconds(seen.refused_p99_ms),
            _milliseconds(seen.cached_p99_ms),
            f"{seen.failed:,}",
        )
        for name, seen in overloads.items()
    )
    yield from _table(head, chain(rows, [("to be under", "", "", str(REFUSED_P99_MS), str(CACHED_P99_MS), "1")]))


def _milliseconds(found: float | None) -> str:
    return "" if found is None else f"{found:,.1f}"


def _costs(costs: Sequence[Cost]) -> Iterator[str]:
    yield from _table(
        ("one setting changed", "requests/s", "difference, us a request"),
        ((cost.change, f"{cost.requests_per_second:,.0f}", f"{cost.difference_us:+.1f}") for cost in costs),
    )


def _table(head: Sequence[str], rows: Iterator[tuple[str, ...]]) -> Iterator[str]:
    cells = [tuple(head), *rows]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]

    def line(row: Sequence[str]) -> str:
        first, *figures = (
            cell.rjust(width) if column else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        return f"| {' | '.join([first, *figures])} |"

    yield line(cells[0])
    yield f"| {'-' * widths[0]} | {' | '.join('-' * (width - 1) + ':' for width in widths[1:])} |"
    yield from map(line, cells[1:])
