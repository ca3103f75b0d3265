from collections import defaultdict
from pathlib import Path

from loadtests.measure.answers import nearest_rank
from loadtests.measure.k6_csv import K6Csv


class K6Output:
    """What k6 wrote by `--out csv=PATH` so far, by second; PATH may grow while it is read."""

    def __init__(self, path: Path) -> None:
        self._csv = K6Csv(path)
        self._durations_ms: defaultdict[int, list[float]] = defaultdict(list)
        self._failed: defaultdict[int, int] = defaultdict(int)

    def update(self) -> None:
        """Read the whole lines that were added since the last time."""
        for row in self._csv.added():
            second = int(row["timestamp"])
            if row["metric_name"] == "http_req_duration":
                self._durations_ms[second].append(float(row["metric_value"]))
            elif row["metric_name"] == "http_req_failed":
                self._failed[second] += int(float(row["metric_value"]))

    def p95_ms(self, second: int) -> float | None:
        """The 95th percentile of this Unix second by nearest rank; None: it had no requests."""
        durations = sorted(self._durations_ms.get(second, ()))
        return nearest_rank(durations, 0.95) if durations else None

    def failed_total(self, second: int) -> int:
        """How many requests had failed by the end of this Unix second."""
        return sum(failed for at, failed in self._failed.items() if at <= second)
