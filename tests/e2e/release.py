import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client
from urllib3.exceptions import HTTPError

from k8s.client.api import connect
from k8s.client.errors import ClusterError
from k8s.client.waiting import wait_until
from tests.e2e.helm import CONTEXT, HelmRelease, run

NAMESPACE = "users-api"
NAME = "users-api"
MINIMUM = 2
MAXIMUM = 6
# The values of `make demo`, with an autoscaler that goes back within seconds. Tests of something else than the users
# have no database, whose start would be the longest of a rollout.
VALUES: dict[str, Any] = {
    "postgresql": {"mode": "none"},
    "autoscaling": {
        "minReplicas": MINIMUM,
        "maxReplicas": MAXIMUM,
        "behavior": {
            "scaleDown": {
                "stabilizationWindowSeconds": 5,
                "policies": [{"type": "Percent", "value": 100, "periodSeconds": 5}],
            }
        },
    },
}


def helm(*arguments: str) -> str:
    """Run helm on the release's cluster and namespace."""
    return run("helm", "--kube-context", CONTEXT, "--namespace", NAMESPACE, *arguments)


def kubectl(*arguments: str, stdin: str | None = None) -> str:
    """Run kubectl on the release's cluster and namespace."""
    return run("kubectl", "--context", CONTEXT, "--namespace", NAMESPACE, *arguments, stdin=stdin)


def image_tag() -> str:
    """Tag of the image under test: what `make image` has built last, or else `dev`."""
    built = Path("build/image/tag")
    return built.read_text().strip() if built.exists() else "dev"


def connected() -> Any:  # noqa: ANN401 - the client has no types
    """Make a client of the cluster, or fail with what to do."""
    try:
        api = connect(CONTEXT)
        client.VersionApi(api).get_code()
    except (ClusterError, HTTPError) as error:
        pytest.fail(f"no cluster {CONTEXT}: `make kind-up image` brings it. {error}", pytrace=False)
    return api


class Release(HelmRelease):
    """The one release that the tests share, with the image under test; in another namespace, one of the same form."""

    def __init__(self, api: client.ApiClient, namespace: str = NAMESPACE) -> None:
        super().__init__(api, namespace, NAME)
        self._installed: dict[str, Any] | None = None

    def configure(self, *changes: Mapping[str, Any]) -> None:
        """Install or upgrade with these changes to the tests' values, unless it has them; then wait for its rollout."""
        values = VALUES
        for change in changes:
            values = merged(values, change)
        if values != self._installed:
            self.upgrade(values)
        self.wait_for_rollout()

    def upgrade(self, values: Mapping[str, Any], *flags: str) -> str:
        """The same with the image under test, until all of it is ready."""
        self.make_namespace()
        image = ("--set-string", f"image.tag={image_tag()}")
        said = super().upgrade(values, *image, "--wait", "--timeout", "3m", *flags)
        self._installed = dict(values)
        return said

    def set_image(self, tag: str, *flags: str) -> None:
        """`helm upgrade` to another tag of the image, and nothing else."""
        self.forget()
        image = ("--reuse-values", "--set-string", f"image.tag={tag}")
        self.helm("upgrade", NAME, "chart", *image, "--wait", *(flags or ("--timeout", "3m")))

    def patch(self, kind: str, *operations: Mapping[str, Any]) -> None:
        """Change an object of the release by JSON patch operations, behind Helm's back."""
        self.forget()
        self.kubectl("patch", kind, NAME, "--type=json", "--patch", json.dumps(operations))

    def uninstall(self) -> None:
        """`helm uninstall`, where it is installed."""
        self.helm("uninstall", NAME, "--ignore-not-found", "--wait", "--timeout", "2m")
        self.forget()

    def forget(self) -> None:
        """Say that the release was changed or removed by other means."""
        self._installed = None

    def wait_for_rollout(self) -> None:
        """Wait until the Deployment has only pods of its newest template."""
        self.kubectl("rollout", "status", f"deployment/{NAME}", "--timeout=120s")

    def pods(self, *, also_stopping: bool = False) -> set[str]:
        """Names of the API's pods, of those that are being stopped too if wanted."""
        return {pod.name for pod in self.api_pods() if also_stopping or not pod.stopping}

    def wait_until_gone(self, pods: set[str]) -> None:
        """Wait until the last of these pods has stopped."""
        wait_until(lambda: self.pods(also_stopping=True), pods.isdisjoint, 60, "only new pods")

    def metrics(self) -> dict[str, float | None]:
        """What the autoscaler sees of `cpu` (percent of the request) and `request_rate` (a second and replica)."""
        seen = self.autoscaler()
        return {"cpu": seen.cpu_percent, "request_rate": seen.request_rate}


def merged(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Values with changes to them, as Helm merges values files."""
    result = dict(base)
    for key, value in changes.items():
        result[key] = merged(base.get(key, {}), value) if isinstance(value, Mapping) else value
    return result
