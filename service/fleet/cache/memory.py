from collections import OrderedDict

from . import metrics
from .entry import Entry


class MemoryCache:
    """Least-recently-used entries within `max_bytes`."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._entries: OrderedDict[str, Entry] = OrderedDict()
        self.size_bytes = 0

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: str) -> Entry | None:
        """The entry, which thereby becomes the most recently used."""
        entry = self._entries.get(key)
        if entry is not None:
            self._entries.move_to_end(key)
        return entry

    def put(self, key: str, entry: Entry) -> None:
        """Hold `entry`, dropping others to make room; one larger than the whole cache is not held."""
        self.discard(key)
        if entry.size_bytes > self._max_bytes:
            return
        self._entries[key] = entry
        self.size_bytes += entry.size_bytes
        while self.size_bytes > self._max_bytes:
            _, evicted = self._entries.popitem(last=False)
            self.size_bytes -= evicted.size_bytes
            metrics.EVICTIONS.inc()
        metrics.L1_BYTES.set(self.size_bytes)

    def discard(self, key: str) -> None:
        """Drop the entry if it is held."""
        entry = self._entries.pop(key, None)
        if entry is not None:
            self.size_bytes -= entry.size_bytes
            metrics.L1_BYTES.set(self.size_bytes)

    def clear(self) -> None:
        """Drop everything."""
        self._entries.clear()
        self.size_bytes = 0
        metrics.L1_BYTES.set(0)
