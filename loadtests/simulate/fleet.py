import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from k8s.client.pod import is_ready
from loadtests.simulate.clock import Clock
from loadtests.simulate.pod_model import Served
from loadtests.simulate.settings import Setting

LABEL = "app.kubernetes.io/instance"


@dataclass
class Pod:
    """When a pod was seen to go from one state to the next, in simulated seconds; None: not yet."""

    created_s: float
    scheduled_s: float | None = None
    ready_s: float | None = None
    deleted_s: float | None = None
    gone_s: float | None = None

    @property
    def is_ready(self) -> bool:
        """Whether it takes requests now."""
        return self.ready_s is not None and self.deleted_s is None


@dataclass
class App:
    """One Deployment under one setting and one slice of traffic, and all that happened to it.

    Attributes:
        name: of its Deployment.
        setting: of its autoscaler.
        rates: requests per second, one a simulated second.
        served: what its pods have answered.
        pods: every pod it ever had, by name.
        wanted: (simulated second, replicas) of each change.
        asked: simulated seconds at which the autoscaler asked for the request rate.
    """

    name: str
    setting: Setting
    rates: Sequence[float]
    served: Served
    pods: dict[str, Pod] = field(default_factory=dict)
    wanted: list[tuple[float, int]] = field(default_factory=list)
    asked: list[float] = field(default_factory=list)
    ready: int = 0

    def pod_rates(self, now: float, window_seconds: int, scrape_seconds: int) -> dict[str, float]:
        """Requests per second of each ready pod that was scraped often enough."""
        self.served.advance(now, self.ready)
        rates = {
            name: self.served.rate(pod.ready_s or 0.0, now, window_seconds, scrape_seconds)
            for name, pod in self.pods.items()
            if pod.is_ready
        }
        return {name: rate for name, rate in rates.items() if rate is not None}


class Fleet:
    """All Deployments of a simulation, kept up to date by watching the API server."""

    def __init__(self, clock: Clock, apps: Sequence[App]) -> None:
        self.clock = clock
        self.apps = {app.name: app for app in apps}
        self.lock = threading.Lock()

    def see_pod(self, kind: str, item: Any) -> None:  # noqa: ANN401 - JSON
        """Take in one event of a watch of pods."""
        app = self.apps.get(item["metadata"].get("labels", {}).get(LABEL, ""))
        if app is None:
            return
        with self.lock:
            now = self.clock.now()
            app.served.advance(now, app.ready)
            pod = app.pods.setdefault(item["metadata"]["name"], Pod(now))
            app.ready -= pod.is_ready
            if pod.scheduled_s is None and item["spec"].get("nodeName"):
                pod.scheduled_s = now
            if pod.ready_s is None and is_ready(item):
                pod.ready_s = now
            if pod.deleted_s is None and (kind == "DELETED" or "deletionTimestamp" in item["metadata"]):
                pod.deleted_s = now
            if kind == "DELETED":
                pod.gone_s = now
            app.ready += pod.is_ready

    def see_deployment(self, _: str, item: Any) -> None:  # noqa: ANN401 - JSON
        """Take in one event of a watch of Deployments."""
        app = self.apps.get(item["metadata"]["name"])
        if app is None:
            return
        with self.lock:
            replicas = item["spec"]["replicas"]
            if not app.wanted or app.wanted[-1][1] != replicas:
                app.wanted.append((self.clock.now(), replicas))

    @property
    def ready(self) -> int:
        """Ready pods of all Deployments."""
        with self.lock:
            return sum(app.ready for app in self.apps.values())
