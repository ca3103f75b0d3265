import csv
from collections.abc import Iterator
from pathlib import Path


class K6Csv:
    """What k6 writes by `--out csv=PATH`, row by row; PATH may grow while it is read, and may not be there yet."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0
        self._columns: list[str] = []

    def added(self) -> Iterator[dict[str, str]]:
        """Give the whole rows that were added since the last time, by column; columns are what k6 was told to tag."""
        if not self._path.exists():
            return
        with self._path.open("rb") as file:
            file.seek(self._offset)
            added = file.read()
        whole = added[: added.rfind(b"\n") + 1]
        self._offset += len(whole)
        for row in csv.reader(whole.decode().splitlines()):
            if self._columns:
                yield dict(zip(self._columns, row, strict=True))
            else:
                self._columns = row
