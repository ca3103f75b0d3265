import json
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

import yaml
from kubernetes import client
from kubernetes.client import ApiException

from k8s.client import release
from tests.e2e.release import CONTEXT, NAME, run

# Small, quick to stop, and with no way in but the Service: several stand beside the shared release.
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
    "tests": {"timeoutSeconds": 5},
}

R = TypeVar("R", bound="OwnRelease")


def at_once(releases: Iterable[R], do: Callable[[R], object]) -> None:
    """Do the same with several releases side by side: most of what Helm takes is waiting."""
    with ThreadPoolExecutor() as pool:
        list(pool.map(do, releases))


class OwnRelease(release.Release):
    """A release of a test's own, `users-api` in a namespace that nothing else is in."""

    def __init__(self, api: client.ApiClient, namespace: str, binary: str = "helm") -> None:
        super().__init__(api, namespace, NAME)
        self.binary = binary
        metadata = {"name": namespace, "labels": {"pod-security.kubernetes.io/enforce": "restricted"}}
        self.kubectl(
            "apply",
            "--filename",
            "-",
            stdin=json.dumps({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}),
        )

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        """Run kubectl in the namespace."""
        return run("kubectl", "--context", CONTEXT, "--namespace", self.namespace, *arguments, stdin=stdin)

    def try_helm(self, *arguments: str, values: Mapping[str, Any] | None = None) -> subprocess.CompletedProcess[str]:
        """Run Helm in the namespace, whatever comes of it."""
        command = (self.binary, "--kube-context", CONTEXT, "--namespace", self.namespace, *arguments)
        text = None if values is None else yaml.safe_dump(dict(values))
        return subprocess.run(command, input=text, capture_output=True, text=True, check=False, timeout=240)

    def helm(self, *arguments: str, values: Mapping[str, Any] | None = None) -> str:
        """Run Helm in the namespace, and return what it printed."""
        done = self.try_helm(*arguments, values=values)
        assert done.returncode == 0, f"{' '.join(arguments)}\n{done.stdout}{done.stderr}"
        return done.stdout

    def upgrade(self, values: Mapping[str, Any], *flags: str) -> str:
        """`helm upgrade --install` with the kind values and these."""
        files = ("--values", "chart/values-kind.yaml", "--values", "-")
        return self.helm("upgrade", "--install", self.name, "chart", *files, *flags, values=values)

    def wait_for_rollout(self) -> None:
        """Wait until each workload has only pods of its newest template."""
        for workload in self.kubectl("get", "deployment,statefulset", "--output=name").split():
            self.kubectl("rollout", "status", workload, "--timeout=120s")

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

    def objects(self) -> set[str]:
        """All there is in the namespace but what every namespace has, and the history of events."""
        kinds = self.kubectl("api-resources", "--verbs=list", "--namespaced", "--output=name").split()
        kept = [kind for kind in kinds if not kind.startswith(("events", "pods.metrics", "podmetrics"))]
        found = self.kubectl("get", ",".join(kept), "--output=name", "--ignore-not-found").split()
        return set(found) - {"configmap/kube-root-ca.crt", "serviceaccount/default"}

    def remove(self) -> None:
        """Delete the namespace and all that is in it; KEDA's finalizers end with their objects."""
        self.try_helm("uninstall", self.name)
        try:
            self.core.delete_namespace(self.namespace)
        except ApiException as error:
            if error.status != 404:
                raise
