import csv
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path


@dataclass(frozen=True)
class Sample:
    """One second of the record; None where nobody knew."""

    time_s: int
    desired: int
    ready: int
    rps: float | None
    cpu_percent: float | None
    p95_ms: float | None
    failed_total: int


COLUMNS = tuple(field.name for field in fields(Sample))


def write_csv(samples: Sequence[Sample], path: Path) -> None:
    """Write the record with a header line; what is not known is left empty."""
    with path.open("w", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(COLUMNS)
        rows.writerows([_rounded(value) for value in astuple(sample)] for sample in samples)


def _rounded(value: float | None) -> float | None:
    return round(value, 1) if isinstance(value, float) else value
