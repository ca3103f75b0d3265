import logging
from collections.abc import Callable
from typing import Literal, NamedTuple

from prometheus_client import Counter, Gauge

logger = logging.getLogger(__name__)

State = Literal["closed", "open"]


class BreakerMetrics(NamedTuple):
    """Where a breaker shows its state (1: closed) and counts its changes; without labels, or with all but `state`."""

    available: Gauge
    transitions: Counter
    labels: tuple[str, ...] = ()


class CircuitBreaker:
    """Stops calls after `failures` consecutive failures, until `probe_successes` probes in a row have succeeded.

    There is no half-open state in which a user's request is the test. A probe in the background is the test, so no
    request ever waits for a server that is believed dead (Nygard, Release It!, 2nd ed., ch. 5, with the trial call
    moved off the request path).
    """

    def __init__(
        self,
        name: str,
        *,
        failures: int,
        probe_successes: int = 2,
        on_change: Callable[[State], None],
        metrics: BreakerMetrics,
    ) -> None:
        self._name = name
        self._transitions = metrics.transitions
        self._labels = metrics.labels
        self._available = metrics.available.labels(*metrics.labels) if metrics.labels else metrics.available
        self._threshold = failures
        self._probe_threshold = probe_successes
        self._on_change = on_change
        self._consecutive_failures = 0
        self._consecutive_probes = 0
        self.is_open = False
        self.cause = ""
        """The last failure, for the log: a line at each change is all that it gets."""
        self._available.set(1)

    @property
    def state(self) -> State:
        """As metrics and /readyz show it."""
        return "open" if self.is_open else "closed"

    def record_success(self) -> None:
        """A call was answered."""
        self._consecutive_failures = 0

    def record_failure(self) -> None:
        """A call or probe was not answered."""
        self._consecutive_probes = 0
        self._consecutive_failures += 1
        if not self.is_open and self._consecutive_failures >= self._threshold:
            self._change(opened=True)

    def record_probe_success(self) -> None:
        """The background probe was answered."""
        self._consecutive_failures = 0
        self._consecutive_probes += 1
        if self.is_open and self._consecutive_probes >= self._probe_threshold:
            self._change(opened=False)

    def trip(self) -> None:
        """Open at once: the first connection of a starting process was refused."""
        if not self.is_open:
            self._change(opened=True)

    def _change(self, *, opened: bool) -> None:
        self.is_open = opened
        self._consecutive_probes = 0
        self._available.set(0 if opened else 1)
        self._transitions.labels(*self._labels, self.state).inc()
        cause = {"cause": self.cause} if opened else None
        logger.warning("%s circuit breaker is %s", self._name, self.state, extra=cause)
        self._on_change(self.state)
