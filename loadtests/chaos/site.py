from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from k8s.client.application import Application
from k8s.client.autoscaler import Autoscaler
from k8s.client.prometheus import Prometheus
from k8s.client.release import Release
from loadtests.chaos.wish import Wish


@dataclass(frozen=True)
class Site:
    """An installed release as it was when it was looked at, and the way to it."""

    release: Release
    prometheus: Prometheus
    application: Application
    variables: dict[str, str]
    """Of the load: see `loadtests.environment`."""
    wish: Wish
    deployment: Any = field(init=False)
    """JSON."""
    autoscaler: Autoscaler | None = field(init=False)

    def __post_init__(self) -> None:
        """Look at it.

        Raises:
            ClusterError: the cluster does not answer, or there is no such release.
        """
        object.__setattr__(self, "deployment", self.release.read())
        object.__setattr__(self, "autoscaler", self.release.find_autoscaler())

    def looked_at_anew(self) -> "Site":
        """Give it as it is now."""
        return replace(self)

    @property
    def name(self) -> str:
        """What is harmed, in full."""
        release = self.release
        return f"Deployment {release.deployment} of release {release.name} in namespace {release.namespace}"

    @property
    def replicas(self) -> int:
        """Those that it is told to have."""
        return int(self.deployment["spec"]["replicas"])

    @property
    def strategy(self) -> str:
        """How its pods are replaced."""
        return str(self.deployment["spec"].get("strategy", {}).get("type", "RollingUpdate"))

    def folder(self, output: Path) -> Path:
        """Where what is measured of it goes."""
        return output / self.release.namespace / self.release.name
