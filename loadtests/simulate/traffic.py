"""Requests per second over time, one number a second: synthetic shapes, always the same, and recordings."""

import csv
import math
import random
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

from loadtests.errors import LoadTestError

DAY_SECONDS = 86_400
NIGHT, MIDDAY, EVENING = 200.0, 1300.0, 900.0
# Fades by half in a minute and a bit, like the comings and goings of clients.
NOISE_MEMORY_SECONDS = 100


def day(noise: float = 0.05) -> list[float]:
    """Give a day from midnight on: 200 req/s at night, peaks of 1,500 before noon and 1,100 in the evening."""
    wobble = _noise(noise, seed=1)
    return [_hour_of_day(second / 3600) * next(wobble) for second in range(DAY_SECONDS)]


def flash_crowd(seconds: int, at: int, base: float = 300, factor: float = 10) -> list[float]:
    """Give a rate that grows `factor` times within the minute from `at` on, stays 15 minutes and leaves in ten."""
    full, leaving, gone = at + 60, at + 960, at + 1560
    points = [(0, base), (at, base), (full, base * factor), (leaving, base * factor), (gone, base), (seconds, base)]
    wobble = _noise(0.03, seed=2)
    return [rate * next(wobble) for rate in interpolated(points, seconds)]


def noisy(seconds: int, base: float = 1000, noise: float = 0.15) -> list[float]:
    """Give a rate that varies around a constant mean, which can make an autoscaler flap."""
    wobble = _noise(noise, seed=3)
    return [base * next(wobble) for _ in range(seconds)]


def recorded(path: Path) -> list[float]:
    """Read the columns `time_s` and `rps` of a CSV file, as `make timeline` writes it.

    Raises:
        LoadTestError: no such file, or not two seconds of numbers in those columns.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            points = [(int(float(row["time_s"])), float(row["rps"])) for row in csv.DictReader(file) if row["rps"]]
    except (OSError, KeyError, ValueError) as error:
        raise LoadTestError(
            f"{path} is no recording: {error!r}. Give a CSV file with the columns time_s and rps, like the "
            "timeline.csv of `make timeline`"
        ) from error
    if len(points) < 2 or points[-1][0] <= points[0][0]:  # noqa: PLR2004 - a line takes two points
        raise LoadTestError(f"{path} holds no two seconds with a request rate")
    first = points[0][0]
    return interpolated([(at - first, rate) for at, rate in points], points[-1][0] - first)


def interpolated(points: Sequence[tuple[int, float]], seconds: int) -> list[float]:
    """Join (second, rate) points by lines, one number a second from 0 to `seconds`."""
    rates: list[float] = []
    for (begin, low), (end, high) in pairwise(points):
        rates.extend(low + (high - low) * (at - begin) / (end - begin) for at in range(max(begin, len(rates)), end))
    return rates[:seconds]


def _hour_of_day(hour: float) -> float:
    return NIGHT + MIDDAY * _bump(hour, 10.5, 2.2) + EVENING * _bump(hour, 20, 1.8)


def _bump(hour: float, middle: float, width: float) -> float:
    distance = (hour - middle + 12) % 24 - 12
    return math.exp(-((distance / width) ** 2) / 2)


def _noise(deviation: float, seed: int) -> Iterator[float]:
    """Factors around 1 that forget slowly: an AR(1) process of the given standard deviation, never below a tenth."""
    draw = random.Random(seed)  # noqa: S311 - the same traffic in every run is the point
    keep = math.exp(-1 / NOISE_MEMORY_SECONDS)
    value = draw.gauss(0, deviation)
    while True:
        yield max(0.1, 1 + value)
        value = keep * value + math.sqrt(1 - keep * keep) * draw.gauss(0, deviation)
