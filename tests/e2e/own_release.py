import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

from kubernetes import client
from kubernetes.client import ApiException

from k8s.client.api import get, proxy
from tests.e2e.helm import CONTEXT, HelmRelease
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

    def upgrade(self, values: Mapping[str, Any], *flags: str) -> str:
        """The same, unchecked by Helm against the kinds that the cluster has, which is a second of CPU.

        That is done where the shared release, the defaults and the umbrella are installed, and by `make chart`.
        """
        return super().upgrade(values, "--disable-openapi-validation", *flags)

    def get(self, path: str) -> Any:  # noqa: ANN401 - JSON
        """What one of the release's pods answers to a path, without a token."""
        place = proxy(f"{self.namespace}/{self.name}:80")
        return get(self.core.api_client, place + path, timeout_seconds=30)  # beside whatever else the machine does

    @contextmanager
    def watching_the_count(self) -> Iterator[set[int]]:
        """Collect each number of replicas that the Deployment is told to have during the block and 3 s after."""
        seen: set[int] = set()
        watch = ("get", "deployment", self.deployment, "--watch", "--output=jsonpath={.spec.replicas}{'\\n'}")
        command = ("kubectl", "--context", CONTEXT, "--namespace", self.namespace, *watch)
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout
            try:
                seen.add(int(process.stdout.readline()))
                yield seen
                time.sleep(3)
                assert process.poll() is None, "kubectl no longer watches"
            finally:
                process.terminate()
                seen.update(map(int, process.stdout.read().split()))

    def remove(self) -> None:
        """Delete the namespace and all that is in it; KEDA takes its finalizers away."""
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
