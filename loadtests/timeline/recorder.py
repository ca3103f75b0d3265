import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

from k8s.client.errors import ClusterError
from loadtests.errors import LoadTestError
from loadtests.timeline.cluster import Cluster, Observation
from loadtests.timeline.k6_output import K6Output
from loadtests.timeline.sample import Sample
from loadtests.timeline.table import row

PERIOD_SECONDS = 1
LINE_EVERY = 5
# A busy two-core host may leave the API server without an answer for a while.
MISSES_ALLOWED = 30
# k6 writes what it measured once a second; with its own buffering two seconds are whole for sure.
K6_LAG_SECONDS = 2
# Shown after the last change, so that the plot ends level.
LEVEL_SECONDS = 5


@dataclass(frozen=True)
class Moment:
    """One observation and when it was made, in Unix seconds."""

    at: float
    seen: Observation

    @property
    def is_at_minimum(self) -> bool:
        """Whether as few replicas as allowed are wanted and ready."""
        return self.seen.desired == self.seen.ready == self.seen.minimum


class Recorder:
    """Observes a cluster once a second."""

    def __init__(self, cluster: Cluster, output: K6Output) -> None:
        self._cluster = cluster
        self._output = output
        self.moments: list[Moment] = []

    def record(self, load: subprocess.Popen[bytes], return_seconds: float) -> None:
        """Go on until the load has ended and the replicas are back at their minimum.

        Not longer than `return_seconds` after the load.

        Raises:
            ClusterError: it did not answer for half a minute.
        """
        ended_at = None
        for moment in self._observe():
            self.moments.append(moment)
            self._output.update()
            if len(self.moments) % LINE_EVERY == 1:
                sys.stdout.write(row(self._sample(moment, lag_seconds=K6_LAG_SECONDS)) + "\n")
                sys.stdout.flush()
            if ended_at is None and load.poll() is not None:
                ended_at = moment.at
            if ended_at is not None and (self._is_level() or moment.at - ended_at > return_seconds):
                return

    def wait_for_minimum(self, timeout_seconds: float) -> None:
        """Wait for what an earlier load or a rollout has left to go.

        Raises:
            LoadTestError: it is still there after `timeout_seconds`.
        """
        started_at = time.time()
        for moment in self._observe():
            if moment.is_at_minimum:
                return
            if moment.at - started_at > timeout_seconds:
                seen = moment.seen
                raise LoadTestError(
                    f"{seen.desired} replicas are wanted and {seen.ready} ready, but a ramp starts at the minimum of "
                    f"{seen.minimum}: is other load running? See `kubectl describe hpa`"
                )

    def samples(self) -> list[Sample]:
        """What was recorded, with k6's numbers of the same second."""
        self._output.update()
        return [self._sample(moment) for moment in self.moments]

    def _is_level(self) -> bool:
        last = self.moments[-LEVEL_SECONDS:]
        return len(last) == LEVEL_SECONDS and all(moment.is_at_minimum for moment in last)

    def _sample(self, moment: Moment, lag_seconds: int = 0) -> Sample:
        second = int(moment.at) - lag_seconds
        seen = moment.seen
        return Sample(
            time_s=round(moment.at - self.moments[0].at),
            desired=seen.desired,
            ready=seen.ready,
            rps=seen.rps,
            cpu_percent=seen.cpu_percent,
            p95_ms=self._output.p95_ms(second),
            failed_total=self._output.failed_total(second),
        )

    def _observe(self) -> Iterator[Moment]:
        misses = 0
        while True:
            at = time.time()
            try:
                yield Moment(at, self._cluster.observe())
                misses = 0
            except ClusterError:
                misses += 1
                if misses > MISSES_ALLOWED:
                    raise
            time.sleep(max(0.0, at + PERIOD_SECONDS - time.time()))
