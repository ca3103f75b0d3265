import time
from collections import OrderedDict
from typing import NamedTuple

from ..staleness import MAX_STALENESS_SECONDS

# What is known of a key at one version, from least to most: that it has been reached; the value; that there is none
# any more, which is seen after the value.
MARK, FOUND, ABSENT = range(3)

KEPT_SECONDS = 3.0
"""What was read or written longer ago is not kept: what was heard meanwhile may be forgotten."""
LAG_SECONDS = MAX_STALENESS_SECONDS
"""How old a load that is not fresh may be as it begins."""
REMEMBERED_SECONDS = 5.0  # more than the two together
MAX_REMEMBERED = 100_000


class Order(NamedTuple):
    """What is known of a key, in an order: of two, the greater is the newer."""

    version: int
    kind: int


NOTHING = Order(0, MARK)


class Minimums:
    """The lowest version that each key can have, from the writes that this process heard of in the last five seconds.

    Whatever is older, from a replica that lags or a load that crossed the write, is not kept.
    """

    def __init__(self) -> None:
        self._heard: OrderedDict[str, tuple[float, Order]] = OrderedDict()
        self._complete_since = time.monotonic()

    def __len__(self) -> int:
        return len(self._heard)

    def of(self, key: str) -> Order:
        """The lowest version that `key` can have; `NOTHING` if nothing was heard."""
        heard = self._heard.get(key)
        return NOTHING if heard is None else heard[1]

    def hear(self, key: str, order: Order) -> None:
        """Remember that `key` was written."""
        now = time.monotonic()
        self._heard[key] = now, max(order, self.of(key))
        self._heard.move_to_end(key)
        while now - next(iter(self._heard.values()))[0] >= REMEMBERED_SECONDS:
            self._heard.popitem(last=False)
        if len(self._heard) > MAX_REMEMBERED:
            self._heard.popitem(last=False)
            self.miss()

    def miss(self) -> None:
        """Note that this process may not have heard of some writes."""
        self._complete_since = time.monotonic()

    @property
    def settling(self) -> bool:
        """Whether a load that lags may show what was before a write that was missed."""
        return time.monotonic() - self._complete_since < LAG_SECONDS

    def cover(self, began: float) -> bool:
        """Whether every write that a load begun at that time may have missed is remembered."""
        return began >= self._complete_since and is_recent(began)


def is_recent(began: float) -> bool:
    """Whether what began at that time (monotonic) is recent enough to be kept: its process may have paused."""
    return time.monotonic() - began < KEPT_SECONDS
