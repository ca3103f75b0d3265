"""Nodes of the local cluster: containers of the engine, which can be stopped dead."""

from collections.abc import Iterator
from contextlib import contextmanager

from loadtests.chaos import faults
from loadtests.chaos.nodes import drained, of_release
from tests.e2e.helm import CONTEXT, run
from tests.e2e.release import Release

READY_SECONDS = 120


def spread(release: Release) -> None:
    """Put the replicas on all nodes: nobody moves them back to one that was drained before."""
    faults.restart(release)
    assert len({pod.node for pod in release.api_pods()}) > 1, "all replicas are on one node"


def leave_to(release: Release, node: str) -> None:
    """Move all pods but the release's off a node, and wait until they are ready elsewhere.

    Else they would start beside the experiment, all at once, on what two cores it has.
    """
    with drained(release, node, lambda pod: not of_release(pod, release)):
        pass
    wait = ("wait", "--for=condition=Available", "deployments", "--all", "--all-namespaces")
    run("kubectl", "--context", CONTEXT, *wait, f"--timeout={READY_SECONDS}s")


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
