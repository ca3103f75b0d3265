"""Nodes of the local cluster: containers of the engine, which can be drained, and stopped dead."""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.e2e.helm import CONTEXT, run
from tests.e2e.release import Release

READY_SECONDS = 120


def to_lose(release: Release) -> str:
    """Choose a node with replicas of the API, and with as little else as can be."""
    api = Counter(pod.node for pod in release.api_pods() if pod.ready)
    workers = [node for node in api if "ingress-ready" not in _kubectl_json("get", "node", node)["metadata"]["labels"]]
    assert workers, f"no node to lose: the API's pods are on {sorted(api)}"
    others = Counter(pod["spec"].get("nodeName") for pod in _kubectl_json("get", "pods", "--all-namespaces")["items"])
    return min(workers, key=lambda node: (others[node] - api[node], node))


def spread(release: Release) -> None:
    """Put the replicas on all nodes: nobody moves them back to one that was drained before."""
    release.restart()
    assert len({pod.node for pod in release.api_pods()}) > 1, "all replicas are on one node"


def leave_to(release: Release, node: str) -> None:
    """Move all pods but the release's off a node, and wait until they are ready elsewhere.

    Else they would start beside the experiment, all at once, on what two cores it has.
    """
    others = f"--pod-selector=app.kubernetes.io/instance!={release.name}"
    with drained(node, others):
        pass
    wait = ("wait", "--for=condition=Available", "deployments", "--all", "--all-namespaces")
    run("kubectl", "--context", CONTEXT, *wait, f"--timeout={READY_SECONDS}s")


@contextmanager
def drained(node: str, *options: str) -> Iterator[None]:
    """Evict every pod from a node, as far as their disruption budgets let it; within the block it takes no new ones."""
    try:
        drain = ("drain", node, "--ignore-daemonsets", "--delete-emptydir-data", "--timeout=180s")
        run("kubectl", "--context", CONTEXT, *drain, *options)
        yield
    finally:
        run("kubectl", "--context", CONTEXT, "uncordon", node)


@contextmanager
def stopped(node: str) -> Iterator[None]:
    """Freeze a node with all that runs on it within the block: its addresses take connections, and nobody answers."""
    run("docker", "pause", node)
    try:
        yield
    finally:
        run("docker", "unpause", node)
        wait = ("wait", "--for=condition=Ready", f"node/{node}", f"--timeout={READY_SECONDS}s")
        run("kubectl", "--context", CONTEXT, *wait)


def _kubectl_json(*arguments: str) -> Any:  # noqa: ANN401 - JSON
    return json.loads(run("kubectl", "--context", CONTEXT, *arguments, "--output=json"))
