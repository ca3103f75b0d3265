import json
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

from kubernetes import client
from kubernetes.client import ApiException

from tests.e2e.helm import HelmRelease
from tests.e2e.release import NAME

# Small, quick to stop, each process with its own users, and no way in but the Service: several stand beside the shared
# release.
SMALL: dict[str, Any] = {
    "config": {"shutdownDrainSeconds": 1},
    "lifecycle": {"preStopSleepSeconds": 1, "terminationGracePeriodSeconds": 8},
    "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}},
    "autoscaling": {"engine": "none"},
    "replicaCount": 1,
    "strategy": {"maxSurge": "50%"},
    "podDisruptionBudget": {"enabled": False},
    "ingress": {"enabled": False},
    "redis": {"resources": {"requests": {"cpu": "20m"}}},
    "postgresql": {"mode": "none"},
    "tests": {"timeoutSeconds": 5},
}

R = TypeVar("R", bound="OwnRelease")


def at_once(releases: Iterable[R], do: Callable[[R], object]) -> None:
    """Do the same with several releases side by side: most of what Helm takes is waiting."""
    with ThreadPoolExecutor() as pool:
        list(pool.map(do, releases))


class OwnRelease(HelmRelease):
    """A release of a test's own, `users-api` in a namespace that nothing else is in."""

    def __init__(self, api: client.ApiClient, namespace: str, binary: str = "helm") -> None:
        super().__init__(api, namespace, NAME, binary)
        self.make_namespace()

    def get(self, path: str) -> Any:  # noqa: ANN401 - JSON
        """What one of the release's pods answers to a path, without a token."""
        service = f"/api/v1/namespaces/{self.namespace}/services/{self.name}:80/proxy"
        return json.loads(self.kubectl("get", "--raw", f"{service}{path}"))

    @contextmanager
    def watching_the_count(self) -> Iterator[set[int]]:
        """Collect each number of replicas that the Deployment is told to have during the block and 3 s after."""
        seen: set[int] = set()
        stop = threading.Event()

        def watch() -> None:
            while not stop.wait(0.1):
                seen.add(self.wanted())

        thread = threading.Thread(target=watch)
        thread.start()
        try:
            yield seen
            time.sleep(3)
        finally:
            stop.set()
            thread.join()

    def remove(self) -> None:
        """Delete the namespace and all that is in it; KEDA's finalizers end with their objects."""
        self.try_helm("uninstall", self.name)
        try:
            self.core.delete_namespace(self.namespace)
        except ApiException as error:
            if error.status != 404:
                raise


@contextmanager
def own_release(api: client.ApiClient, namespace: str, values: Mapping[str, Any]) -> Iterator[OwnRelease]:
    """Have a release of these values in a namespace of its own, all of it ready, for as long as the block lasts."""
    release = OwnRelease(api, namespace)
    try:
        release.upgrade(values, "--wait", "--timeout", "3m")
        yield release
    finally:
        release.remove()
