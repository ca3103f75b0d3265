import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import linear_regression

from loadtests.bench.contestants import service
from loadtests.bench.rounds import Bench

STARTS = 5
REQUESTS = 100_000
SOAK_SECONDS = 600
_SLICE_SECONDS = 5
_MIB = 2**20


@dataclass(frozen=True)
class Soak:
    """Memory over time under load."""

    # (seconds since the start, MiB)
    rss: list[tuple[float, float]]
    # Of the second half: caches fill in the first.
    slope_mib_per_minute: float


def start_seconds(bench: Bench) -> list[float]:
    """Start the service anew several times: from exec to the end of the first answer, on one core."""
    return [_start(bench) for _ in range(STARTS)]


def _start(bench: Bench) -> float:
    with bench.serve(service("start")) as server:
        return round(server.start_seconds, 3)


def rss_after_requests(bench: Bench) -> tuple[int, float]:
    """Load a fresh service until it has answered 100,000 requests; returns how many it was, and its RSS in MiB."""
    answered = 0
    with bench.serve(service("memory")) as server:
        while answered < REQUESTS:
            answered += bench.load(server, 2).requests
        return answered, round(server.rss_bytes() / _MIB, 1)


def soak(bench: Bench, show: Callable[[str], None], seconds: int = SOAK_SECONDS) -> Soak:
    """Load one service without a pause and watch its memory."""
    points: list[tuple[float, float]] = []
    with bench.serve(service("soak")) as server:
        started = time.monotonic()
        while (at := time.monotonic() - started) < seconds:
            bench.load(server, _SLICE_SECONDS)
            points.append((round(at, 1), round(server.rss_bytes() / _MIB, 2)))
            if len(points) % 12 == 0:
                show(f"soak: {at:.0f} of {seconds} s, RSS {points[-1][1]:.1f} MiB")
    return Soak(points, slope_per_minute(points))


def slope_per_minute(points: list[tuple[float, float]]) -> float:
    """Fit a line through the second half of the points."""
    half = points[len(points) // 2 :]
    return round(linear_regression([at / 60 for at, _ in half], [value for _, value in half]).slope, 3)
