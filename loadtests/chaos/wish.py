"""What a command line says of experiments; nothing here takes long to import."""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

RESULTS = Path("build/chaos")
# Those that need nothing of an application but an address to read at, in the order in which they are done.
NAMES = ("rolling-restart", "pod-deleted", "pod-force-killed", "node-drained", "scaling", "step")


class Extent(NamedTuple):
    """How much of something an experiment is made of: seconds, rounds, requests."""

    full: int
    short: int
    """Where a look must do: as a part of `make test`, and to see the broken variation fail."""

    def of(self, *, is_short: bool) -> int:
        """How much of it a run is made of."""
        return self.short if is_short else self.full


@dataclass(frozen=True)
class Wish:
    """What is to be done, and how hard."""

    only: tuple[str, ...] = ()
    """Names of experiments; empty: all that apply."""
    short: bool = False
    drain: bool = False
    """Whether a node may be drained, with all that is on it."""
    yes: bool = False
    rate: int = 50
    """Requests a second, of the steady load."""
    peak: int = 200
    """Requests a second, to which the load steps from a tenth of it."""

    def of(self, extent: Extent) -> int:
        """How much of something an experiment is made of."""
        return extent.of(is_short=self.short)
