import json
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import yaml
from kubernetes import client

CONTEXT = "kind-users-api"
NAMESPACE = "users-api"
NAME = "users-api"
MINIMUM = 2
MAXIMUM = 6
# The chart's kind values, with an autoscaler that goes back within seconds.
VALUES: dict[str, Any] = {
    "autoscaling": {
        "minReplicas": MINIMUM,
        "maxReplicas": MAXIMUM,
        "behavior": {
            "scaleDown": {
                "stabilizationWindowSeconds": 5,
                "policies": [{"type": "Percent", "value": 100, "periodSeconds": 5}],
            }
        },
    }
}


T = TypeVar("T")


def run(*command: str, timeout_seconds: float = 240, stdin: str | None = None) -> str:
    """Run a command and return what it printed; what it said is the message if it failed."""
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False, timeout=timeout_seconds)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}"
    return done.stdout


def helm(*arguments: str) -> str:
    """Run helm on the release's cluster and namespace."""
    return run("helm", "--kube-context", CONTEXT, "--namespace", NAMESPACE, *arguments)


def kubectl(*arguments: str, stdin: str | None = None) -> str:
    """Run kubectl on the release's cluster and namespace."""
    return run("kubectl", "--context", CONTEXT, "--namespace", NAMESPACE, *arguments, stdin=stdin)


def wait_until(observe: Callable[[], T], holds: Callable[[T], bool], seconds: float, what: str) -> T:
    """Observe until it holds; the message of a failure has the last observation."""
    end = time.monotonic() + seconds
    while not holds(seen := observe()):
        assert time.monotonic() < end, f"{what}: not within {seconds} s, but {seen}"
        time.sleep(0.5)
    return seen


class Release:
    """The one release that the tests share, and its autoscaler."""

    def __init__(self, api: client.ApiClient, values_file: Path) -> None:
        # Any: in the client's types every field of every object may be None.
        self.apps: Any = client.AppsV1Api(api)
        self.autoscaling: Any = client.AutoscalingV2Api(api)
        self.core: Any = client.CoreV1Api(api)
        self._values_file = values_file
        self._installed: dict[str, Any] | None = None

    def configure(self, changes: Mapping[str, Any] | None = None) -> None:
        """Install or upgrade with these changes to the tests' values, unless it has them; then wait for its rollout."""
        values = _merged(VALUES, changes or {})
        if values != self._installed:
            self.upgrade(values)
        self.wait_for_rollout()

    def upgrade(self, values: Mapping[str, Any]) -> None:
        """`helm upgrade --install` as a user types it."""
        self._make_namespace()
        self._values_file.write_text(yaml.safe_dump(dict(values)))
        tag = Path("build/image/tag")
        image = ("--set-string", f"image.tag={tag.read_text().strip()}") if tag.exists() else ()
        helm(
            *("upgrade", "--install", NAME, "chart", "--values", "chart/values-kind.yaml"),
            *("--values", str(self._values_file), *image, "--wait", "--timeout", "3m"),
        )
        self._installed = dict(values)

    def _make_namespace(self) -> None:
        """Have the namespace, with Pod Security `restricted` enforced, as `make install` does."""
        metadata = {"name": NAMESPACE, "labels": {"pod-security.kubernetes.io/enforce": "restricted"}}
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}
        kubectl("apply", "--server-side", "--force-conflicts", "--filename", "-", stdin=json.dumps(body))

    def forget(self) -> None:
        """Say that the release was changed or removed by other means."""
        self._installed = None

    def wait_for_rollout(self) -> None:
        """Wait until the Deployment has only pods of its newest template."""
        kubectl("rollout", "status", f"deployment/{NAME}", "--timeout=120s")

    def wanted(self) -> int:
        """Replicas that the Deployment is told to have."""
        replicas: int = self.apps.read_namespaced_deployment(NAME, NAMESPACE).spec.replicas
        return replicas

    def ready(self) -> int:
        """Replicas that are ready."""
        return self.apps.read_namespaced_deployment(NAME, NAMESPACE).status.ready_replicas or 0

    def pods(self, *, also_stopping: bool = False) -> set[str]:
        """Names of the API's pods, of those that are being stopped too if wanted."""
        selector = f"app.kubernetes.io/instance={NAME},app.kubernetes.io/component=api"
        listed = self.core.list_namespaced_pod(NAMESPACE, label_selector=selector)
        return {pod.metadata.name for pod in listed.items if also_stopping or not pod.metadata.deletion_timestamp}

    def wait_until_gone(self, pods: set[str]) -> None:
        """Wait until the last of these pods has stopped."""
        wait_until(lambda: self.pods(also_stopping=True), pods.isdisjoint, 60, "only new pods")

    def wait_for_replicas(self, count: int, seconds: float) -> None:
        """Wait until exactly `count` replicas are wanted and ready."""
        what = f"{count} replicas wanted and ready"
        wait_until(lambda: (self.wanted(), self.ready()), lambda seen: seen == (count, count), seconds, what)

    def metrics(self) -> dict[str, float | None]:
        """What the autoscaler sees of `cpu` (percent of the request) and `request_rate` (a second and replica)."""
        found: dict[str, float | None] = {"cpu": None, "request_rate": None}
        for hpa in self.autoscaling.list_namespaced_horizontal_pod_autoscaler(NAMESPACE).items:
            for metric in hpa.status.current_metrics or ():
                if metric.type == "Resource" and metric.resource.name == "cpu":
                    found["cpu"] = metric.resource.current.average_utilization
                elif metric.type == "External":
                    found["request_rate"] = _quantity(metric.external.current.average_value)
        return found


def _quantity(text: str | None) -> float | None:
    if text is None:
        return None
    return float(text[:-1]) / 1000 if text.endswith("m") else float(text)


def _merged(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in changes.items():
        merged[key] = _merged(base.get(key, {}), value) if isinstance(value, Mapping) else value
    return merged
