import csv
import math
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path


class K6Output:
    """What k6 wrote by `--out csv=PATH` so far, by second; PATH may grow while it is read."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0
        self._columns: list[str] = []
        self._durations_ms: defaultdict[int, list[float]] = defaultdict(list)
        self._failed: defaultdict[int, int] = defaultdict(int)

    def update(self) -> None:
        """Read the whole lines that were added since the last time."""
        if not self._path.exists():
            return
        with self._path.open("rb") as file:
            file.seek(self._offset)
            added = file.read()
        whole = added[: added.rfind(b"\n") + 1]
        self._offset += len(whole)
        self._add(whole.decode().splitlines())

    def _add(self, lines: Iterable[str]) -> None:
        for row in csv.reader(lines):
            if not self._columns:
                self._columns = row
                continue
            record = dict(zip(self._columns, row, strict=True))
            second = int(record["timestamp"])
            if record["metric_name"] == "http_req_duration":
                self._durations_ms[second].append(float(record["metric_value"]))
            elif record["metric_name"] == "http_req_failed":
                self._failed[second] += int(float(record["metric_value"]))

    def p95_ms(self, second: int) -> float | None:
        """The 95th percentile of this Unix second by nearest rank; None: it had no requests."""
        durations = sorted(self._durations_ms.get(second, ()))
        return durations[math.ceil(0.95 * len(durations)) - 1] if durations else None

    def failed_total(self, second: int) -> int:
        """How many requests had failed by the end of this Unix second."""
        return sum(failed for at, failed in self._failed.items() if at <= second)
