import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from k8s.client.autoscaler import Autoscaler
from k8s.client.background import in_background
from k8s.client.errors import ClusterError
from k8s.client.pod import Pod
from k8s.client.release import Release

PERIOD_SECONDS = 1.0


@dataclass(frozen=True)
class Moment:
    """The release at one time; None where the cluster did not say, and where there is no autoscaler."""

    at_s: float
    """Unix seconds."""
    wanted: int | None
    ready: int | None
    pods: tuple[Pod, ...]
    autoscaler: Autoscaler | None


class ReleaseRecorder:
    """Looks at a release once a second, in a thread of its own."""

    def __init__(self, release: Release) -> None:
        self._release = release
        self._ended = threading.Event()
        self.moments: list[Moment] = []

    @contextmanager
    def recording(self, period_seconds: float = PERIOD_SECONDS) -> Iterator["ReleaseRecorder"]:
        """Record for as long as the block lasts."""
        with in_background(self._ended, "release-recorder", lambda: self._record(period_seconds)):
            yield self

    def _record(self, period_seconds: float) -> None:
        due = time.monotonic()
        while not self._ended.wait(max(0.0, due - time.monotonic())):
            due += period_seconds
            self.moments.append(self._look())

    def _look(self) -> Moment:
        at_s = time.time()
        try:
            wanted, ready = self._release.replicas()
            return Moment(at_s, wanted, ready, tuple(self._release.api_pods()), self._release.find_autoscaler())
        except ClusterError:
            return Moment(at_s, None, None, (), None)
