import os
import subprocess
from collections.abc import Mapping
from typing import Any

import yaml
from kubernetes import client

from k8s.client import release
from tests.e2e.objects import objects_in

CONTEXT = "kind-users-api"
TIMEOUT_SECONDS = 240
# Helm and kubectl allocate much and end soon: where less is collected, Helm takes a quarter less CPU.
HURRIED = {"GOGC": "400"}
# Those of `make demo`, with which a small load scales the service out, and then a test's own.
VALUES_FILES = ("--values", "chart/values-kind.yaml", "--values", "chart/values-demo.yaml", "--values", "-")


def finish(
    *command: str, timeout_seconds: float = TIMEOUT_SECONDS, stdin: str | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command, whatever comes of it."""
    environment = os.environ | HURRIED
    return subprocess.run(
        command, input=stdin, capture_output=True, text=True, check=False, timeout=timeout_seconds, env=environment
    )


def run(*command: str, timeout_seconds: float = TIMEOUT_SECONDS, stdin: str | None = None) -> str:
    """Run a command and return what it printed; what it said is the message if it failed."""
    done = finish(*command, timeout_seconds=timeout_seconds, stdin=stdin)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}"
    return done.stdout


class HelmRelease(release.Release):
    """A release that tests install, by Helm as a user types it, and look at."""

    def __init__(self, api: client.ApiClient, namespace: str, name: str, binary: str = "helm") -> None:
        super().__init__(api, namespace, name)
        self.binary = binary

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        """Run kubectl in the namespace."""
        return run("kubectl", "--context", CONTEXT, "--namespace", self.namespace, *arguments, stdin=stdin)

    def helm(self, *arguments: str, values: Mapping[str, Any] | None = None) -> str:
        """Run Helm in the namespace, and return what it printed."""
        done = self.try_helm(*arguments, values=values)
        assert done.returncode == 0, f"{' '.join(arguments)}\n{done.stdout}{done.stderr}"
        return done.stdout

    def try_helm(self, *arguments: str, values: Mapping[str, Any] | None = None) -> subprocess.CompletedProcess[str]:
        """Run Helm in the namespace, whatever comes of it; `values` are what it reads as `--values -`."""
        command = (self.binary, "--kube-context", CONTEXT, "--namespace", self.namespace, *arguments)
        text = None if values is None else yaml.safe_dump(dict(values))
        return finish(*command, stdin=text)

    def upgrade(self, values: Mapping[str, Any], *flags: str) -> str:
        """`helm upgrade --install` with the values of `make demo` and these."""
        return self.helm("upgrade", "--install", self.name, "chart", *VALUES_FILES, *flags, values=values)

    def make_namespace(self) -> None:
        """Have the namespace, with Pod Security `restricted` enforced, as `make install` does."""
        namespace = {
            "metadata": {"name": self.namespace, "labels": {"pod-security.kubernetes.io/enforce": "restricted"}}
        }
        if self._phase() == "Terminating":  # by whoever was here before
            self.kubectl("wait", "--for=delete", f"namespace/{self.namespace}", "--timeout=180s")
        if self._phase():
            self.core.patch_namespace(self.namespace, namespace)
        else:
            self.core.create_namespace(namespace)

    def _phase(self) -> str:
        named = self.core.list_namespace(field_selector=f"metadata.name={self.namespace}").items
        return str(named[0].status.phase) if named else ""

    def wait_for_rollout(self) -> None:
        """Wait until what the release was changed in has only pods of its newest template."""
        self.wait_for_all_rollouts()

    def wait_for_all_rollouts(self) -> None:
        """Wait until each workload has only pods of its newest template."""
        workloads = self.kubectl("get", "deployment,statefulset", "--output=name").split()
        self.kubectl("rollout", "status", *workloads, "--timeout=120s")

    def objects(self) -> set[str]:
        """All there is in the namespace but what every namespace has, and the history of events."""
        return objects_in(self.core.api_client, self.namespace)
