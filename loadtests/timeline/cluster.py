from dataclasses import dataclass

from k8s.client.api import connect
from k8s.client.prometheus import Prometheus
from k8s.client.release import Release


@dataclass(frozen=True)
class Observation:
    """What the cluster says of the release at one time; None where it does not know yet."""

    minimum: int
    desired: int
    ready: int
    cpu_percent: int | None
    rps: float | None


class Cluster:
    """The release's replicas, what its autoscaler sees, and its request rate from Prometheus."""

    def __init__(self, context: str, namespace: str, release: str, prometheus: str, deployment: str = "") -> None:
        """Take the release's namespace and name, Prometheus' Service as namespace/name:port, and which Deployment."""
        api = connect(context)
        self._release = Release(api, namespace, release, deployment)
        self._prometheus = Prometheus(api, prometheus)

    def observe(self) -> Observation:
        """Ask for all of it.

        Raises:
            ClusterError: the cluster does not answer, or the release or its autoscaler is missing.
        """
        autoscaler = self._release.autoscaler()
        wanted, ready = self._release.replicas()
        return Observation(
            minimum=autoscaler.minimum,
            desired=autoscaler.wants(wanted),
            ready=ready,
            cpu_percent=autoscaler.cpu_percent,
            rps=self._prometheus.value(f"sum(rate(http_requests_total{{{self._release.series}}}[20s]))"),
        )
