from collections.abc import Iterator
from statistics import median

from loadtests.bench import overload
from loadtests.bench.record import Record
from loadtests.bench.summary import LOOK_UP_TARGETS, LOOK_UPS_BROKEN, TARGETS

START_SECONDS = 1.0
RSS_MIB = 90.0
# What is left of it once the caches are full: 1 MiB in ten minutes.
RSS_SLOPE_MIB_PER_MINUTE = 0.1


def missed(record: Record) -> list[str]:
    """Name the promises that a run did not keep: ratios on the default server, overload, start, memory."""
    return [*_ratios(record), *_overload(record), *_footprint(record)]


def _ratios(record: Record) -> Iterator[str]:
    measured = record.ratios["uvicorn"]
    for name, target in TARGETS.items():
        if measured[name] < target:
            yield f"{name} is {measured[name]:.2f}, to be at least {target}"
    for name, target in LOOK_UP_TARGETS.items():
        if record.look_up_ratios[name] < target:
            yield f"{name} is {record.look_up_ratios[name]:.2f} of the bare driver, to be at least {target}"
    for name, whole in LOOK_UPS_BROKEN.items():
        if record.look_up_ratios[name] >= LOOK_UP_TARGETS[whole]:
            yield f"{name} is as good as {whole} has to be, which proves nothing of what it lacks"


def _overload(record: Record) -> Iterator[str]:
    for name, seen in record.overloads.items():
        for reason in overload.invalid(seen):
            yield f"twice the load, {name}: {reason}"
    for reason in overload.missed(record.overloads[overload.GATED]):
        yield f"under twice the load: {reason}"
    if not any(overload.missed(record.overloads[overload.UNGATED])):
        yield "under twice the load all is well without a gate too, which proves nothing of the gate"


def _footprint(record: Record) -> Iterator[str]:
    if (start := median(record.start_seconds)) >= START_SECONDS:
        yield f"the first answer came {start:.2f} s after exec, to be under {START_SECONDS} s"
    if record.rss_mib >= RSS_MIB:
        yield f"RSS is {record.rss_mib} MiB after {record.rss_after_requests:,} requests, to be under {RSS_MIB} MiB"
    if record.soak and record.soak.slope_mib_per_minute > RSS_SLOPE_MIB_PER_MINUTE:
        slope = record.soak.slope_mib_per_minute
        yield f"RSS grows by {slope} MiB/min in the soak's second half, to be {RSS_SLOPE_MIB_PER_MINUTE} at most"
