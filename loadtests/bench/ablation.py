from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median

from loadtests.bench.contestants import Contestant, service
from loadtests.bench.rounds import Bench, interleave
from loadtests.bench.wrk import Measurement

ROUNDS = 3
SECONDS = 2
BASE = "all features"
# One setting away from all features each. What has no switch (metrics, security headers, ids) is in every row.
VARIANTS: Mapping[str, Mapping[str, str]] = {
    "without the rate limit": {"rate_limit_enabled": "false"},
    "without the sampled access log": {"access_log_sample_ratio": "0"},
    "with every request logged": {"access_log_sample_ratio": "1"},
    "without L1 (L2 answers)": {"cache_l1_bytes": "0"},
    "without the fast path (FastAPI routes all)": {"fast_path_enabled": "false"},
    "without the fast path and L1": {"fast_path_enabled": "false", "cache_l1_bytes": "0"},
    "with tracing, 1 % sampled": {"otel_enabled": "true"},
}


@dataclass(frozen=True)
class Cost:
    """What one change of settings does to an L1 hit."""

    change: str
    requests_per_second: float
    # Of CPU on the one core, in microseconds a request; above 0: the change made it dearer.
    difference_us: float


def ablate(bench: Bench, show: Callable[[str], None]) -> list[Cost]:
    """Measure the service with one setting changed at a time, in turns with the unchanged service."""
    results = interleave(replace(bench, rounds=ROUNDS, seconds=SECONDS), _contestants(), show)
    return costs({label.removesuffix(" on uvicorn"): measured for label, measured in results.items()})


def costs(results: Mapping[str, Sequence[Measurement]]) -> list[Cost]:
    """Compare each round's variant with the same round's base: a core that is busy spends 1e6 / rate us a request."""
    return [
        Cost(
            name,
            round(median(one.requests_per_second for one in measured), 1),
            round(median(_us(one) - _us(base) for one, base in zip(measured, results[BASE], strict=True)), 1),
        )
        for name, measured in results.items()
    ]


def _contestants() -> list[Contestant]:
    return [service(BASE), *(service(name, **settings) for name, settings in VARIANTS.items())]


def _us(measurement: Measurement) -> float:
    return 1e6 / measurement.requests_per_second
