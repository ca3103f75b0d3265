import math
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from k8s.simulation import ControlPlane
from loadtests.errors import LoadTestError
from loadtests.simulate import manifests, metrics_api
from loadtests.simulate.fleet import App, Fleet
from loadtests.simulate.manifests import Manifest
from loadtests.simulate.pod_model import PodModel

DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"
AUTOSCALERS = "/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers"
PODS = "/api/v1/namespaces/default/pods"
START_SECONDS = 180


@dataclass(frozen=True)
class Simulation:
    """Deployments and autoscalers of a fleet in a control plane.

    Attributes:
        chart: the chart's Deployment and HPA, by kind.
        replicas: fewest and most of each autoscaler.
    """

    plane: ControlPlane
    fleet: Fleet
    model: PodModel
    chart: dict[str, Manifest]
    replicas: tuple[int, int]

    @contextmanager
    def running(self) -> Iterator[None]:
        """Start with the pods that the first second needs, then let time and the autoscalers run until the block ends.

        Raises:
            LoadTestError: the first pods were not ready within three minutes.
            StepError: a process of the control plane has ended.
        """
        api, fleet = self.plane.api, self.fleet
        stop = threading.Event()
        watches = [api.watch(PODS, fleet.see_pod, stop), api.watch(DEPLOYMENTS, fleet.see_deployment, stop)]
        try:
            first = {app.name: self._at_start(app) for app in fleet.apps.values()}
            for name, replicas in first.items():
                api.create(DEPLOYMENTS, manifests.deployment(self.chart["Deployment"], name, replicas))
            self._await_ready(sum(first.values()))
            metric = manifests.rate_metric(self.chart["HorizontalPodAutoscaler"])
            with metrics_api.serve(metrics_api.MetricsApi(fleet, self.model, metric), self.plane):
                for app in fleet.apps.values():
                    api.create(AUTOSCALERS, self._autoscaler(app))
                fleet.clock.start()
                yield
                fleet.clock.stop()
        finally:
            stop.set()
            for watch in watches:
                watch.join(10)

    def _at_start(self, app: App) -> int:
        wanted = math.ceil(app.rates[0] / self.model.target_rps(app.setting))
        return min(max(wanted, self.replicas[0]), self.replicas[1])

    def _autoscaler(self, app: App) -> Manifest:
        chart = self.chart["HorizontalPodAutoscaler"]
        return manifests.autoscaler(chart, app, self.model, self.replicas, self.fleet.clock.speed)

    def _await_ready(self, pods: int) -> None:
        deadline = time.monotonic() + START_SECONDS
        while self.fleet.ready < pods:
            self.plane.require_running()
            if time.monotonic() > deadline:
                raise LoadTestError(f"{self.fleet.ready} of {pods} first pods were ready within {START_SECONDS} s")
            time.sleep(0.2)
