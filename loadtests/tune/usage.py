import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from statistics import fmean, median
from typing import Any

from k8s.client.api import get
from k8s.client.background import in_background
from k8s.client.errors import ClusterError
from k8s.client.notation import quantity
from k8s.client.pod import Pod
from k8s.client.release import Release

# metrics-server has a new figure every 15 s or so, of about as long a time.
PERIOD_SECONDS = 5
SETTLED_SHARE = 0.5
MEBIBYTE = 2**20
CONTAINER = "api"


class UsageRecorder:
    """What the replicas use while they are loaded, as metrics-server has it; nothing where there is none."""

    def __init__(self, api: Any, release: Release) -> None:  # noqa: ANN401 - the client has no types
        self._api = api
        self._release = release
        self._ended = threading.Event()
        self._cpu: list[float] = []
        self._memory: list[float] = []

    @contextmanager
    def recording(self) -> Iterator["UsageRecorder"]:
        """Record for as long as the block lasts."""
        with in_background(self._ended, "usage-recorder", self._record):
            yield self

    @property
    def cpu_millicores(self) -> float | None:
        """Of a replica, the mean of the later half: the first figures are of the time before."""
        settled = self._cpu[int(len(self._cpu) * SETTLED_SHARE) :]
        return 1000 * fmean(settled) if settled else None

    @property
    def memory_mebibytes(self) -> float | None:
        """The most that one of the replicas had."""
        return max(self._memory) / MEBIBYTE if self._memory else None

    def _record(self) -> None:
        while not self._ended.wait(PERIOD_SECONDS):
            try:
                found = self._look()
            except ClusterError:
                continue
            if found:
                self._cpu.append(fmean(cpu for cpu, _ in found))
                self._memory.append(max(memory for _, memory in found))

    def _look(self) -> list[tuple[float, float]]:
        path = f"/apis/metrics.k8s.io/v1beta1/namespaces/{self._release.namespace}/pods"
        listed = get(self._api, path, {"labelSelector": self._release.selector("api")})["items"]
        return [used(pod) for pod in listed if pod["containers"]]


def used(pod: Any) -> tuple[float, float]:  # noqa: ANN401 - JSON
    """Cores and bytes of a pod's container of the chart; of all where it has none of that name."""
    containers = pod["containers"]
    mine = [each for each in containers if each["name"] == CONTAINER] or containers
    cpu, memory = ([quantity(each["usage"][name]) or 0.0 for each in mine] for name in ("cpu", "memory"))
    return sum(cpu), sum(memory)


def startup_seconds(pods: Sequence[Pod]) -> float | None:
    """From a pod's creation until it was ready, the median of those that never restarted; None: there is none."""
    took = [pod.ready_since_s - pod.created_at_s for pod in pods if pod.ready_since_s is not None and not pod.restarts]
    return median(took) if took else None
