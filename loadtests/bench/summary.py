from collections.abc import Mapping, Sequence
from statistics import median

from loadtests.bench.contestants import SERVERS, UNCACHED, UNCACHED_BY_ROUTES
from loadtests.bench.wrk import Measurement

Results = Mapping[str, Sequence[Measurement]]

RATIOS = {
    "l1_vs_bare_fastapi": ("service_l1", "bare_fastapi"),
    "l1_vs_plain_stack": ("service_l1", "plain_stack"),
    "l1_vs_raw_asgi": ("service_l1", "raw_asgi"),
    "l2_vs_plain_stack": ("service_l2", "plain_stack"),
    "fleet_alone_vs_bare_fastapi": ("fleet_alone", "bare_fastapi"),
    "on_fleet_vs_bare_fastapi": ("on_fleet", "bare_fastapi"),
    "on_fleet_vs_plain_stack": ("on_fleet", "plain_stack"),
}
# What the project promises of the default server, uvicorn.
TARGETS = {"l1_vs_bare_fastapi": 1.5, "l1_vs_plain_stack": 5.0, "l2_vs_plain_stack": 1.5}
# Likewise, of a user that no cache has, beside the bare driver; the repository's floor is 0.8.
LOOK_UP_TARGETS = {"repository": 0.9, UNCACHED: 0.25}
# What lacks the cause of one of them, and must miss it: one statement for many look-ups, and the fast path.
LOOK_UPS_BROKEN = {"repository_one_by_one": "repository", UNCACHED_BY_ROUTES: UNCACHED}


def ratios(results: Results) -> dict[str, dict[str, float]]:
    """Compare like with like: for each server, the median over the rounds of each round's own ratio."""
    return {
        server: {
            name: round(_median_ratio(results[f"{ours} on {server}"], results[f"{theirs} on {server}"]), 3)
            for name, (ours, theirs) in RATIOS.items()
        }
        for server in SERVERS
    }


def look_up_ratios(results: Results) -> dict[str, float]:
    """Compare each way to look a user up with the bare driver, as `ratios` does."""
    driver, *others = results
    return {name: round(_median_ratio(results[name], results[driver]), 3) for name in others}


def median_rate(measurements: Sequence[Measurement]) -> float:
    """Median of the rounds, in requests per second."""
    return median(measurement.requests_per_second for measurement in measurements)


def median_p99_ms(measurements: Sequence[Measurement]) -> float:
    """Median of the rounds' 99th percentiles."""
    return median(measurement.p99_ms for measurement in measurements)


def _median_ratio(ours: Sequence[Measurement], theirs: Sequence[Measurement]) -> float:
    pairs = zip(ours, theirs, strict=True)
    return median(one.requests_per_second / other.requests_per_second for one, other in pairs)
