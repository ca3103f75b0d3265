"""Nodes of a cluster: which one a release can lose, and how it is drained."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

from k8s.client.api import create, get, patch
from k8s.client.errors import NoAnswerError
from k8s.client.pod import is_ready
from k8s.client.release import Release
from k8s.client.waiting import NotInTimeError
from loadtests.chaos.faults import MANAGER
from loadtests.errors import LoadTestError

DRAINED_SECONDS = 180
# Between two looks at what is still there: a budget lets the next pod go once another is ready.
PERIOD_SECONDS = 1
# kind's own name for the one node that has the way in; the control plane's node is no node for this either.
KEPT = ("ingress-ready", "node-role.kubernetes.io/control-plane")
_MIRROR = "kubernetes.io/config.mirror"

Pod = Mapping[str, Any]
"""As the API server has it."""


def to_lose(release: Release) -> str:
    """Choose a node with replicas of the API, and with as little else as can be.

    Raises:
        LoadTestError: there is none, or none that pods could go to.
    """
    nodes = {node["metadata"]["name"]: node for node in get(release.api, "/api/v1/nodes")["items"]}
    takers = {name for name, node in nodes.items() if is_ready(node) and not node["spec"].get("unschedulable")}
    api = Counter(pod.node for pod in release.api_pods() if pod.ready)
    able = [name for name in api if name in takers and not any(key in _labels(nodes[name]) for key in KEPT)]
    if not able:
        raise LoadTestError(f"no node to lose: the API's pods are on {', '.join(sorted(api)) or 'none'}")
    if len(takers) == 1:
        raise LoadTestError(f"no node but {able[0]} takes pods")
    others = Counter(pod["spec"].get("nodeName") for pod in get(release.api, "/api/v1/pods")["items"])
    return min(able, key=lambda node: (others[node] - api[node], node))


def evicted_from(release: Release, node: str) -> list[Pod]:
    """List the pods that a drain of the node evicts: those at work, but of no DaemonSet and not of the node itself.

    Raises:
        LoadTestError: nothing would bring one of them back.
    """
    found = _to_evict(release, node)
    if lost := sorted(named(pod) for pod in found if not pod["metadata"].get("ownerReferences")):
        raise LoadTestError(f"on node {node} nothing would bring back {', '.join(lost)}")
    return found


@contextmanager
def drained(
    release: Release,
    node: str,
    which: Callable[[Pod], bool] = lambda _: True,
) -> Iterator[None]:
    """Evict pods from a node, as far as their disruption budgets let it; within the block it takes no new ones.

    Raises:
        LoadTestError: nothing would bring one of them back; none is evicted then.
        NotInTimeError: they were not gone in time.
        ClusterError: the cluster does not answer, or refuses.
    """
    leaving = [pod for pod in evicted_from(release, node) if which(pod)]
    path = f"/api/v1/nodes/{node}"
    before = get(release.api, path)["spec"].get("unschedulable")
    try:
        patch(release.api, path, {"spec": {"unschedulable": True}}, MANAGER)
        _evict(release, node, leaving)
        yield
    finally:
        patch(release.api, path, {"spec": {"unschedulable": before}}, MANAGER)


def named(pod: Pod) -> str:
    """Write namespace/name."""
    return f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"


def of_release(pod: Pod, release: Release) -> bool:
    """Whether a pod is of this release."""
    instance = _labels(pod).get("app.kubernetes.io/instance")
    return (pod["metadata"]["namespace"], instance) == (release.namespace, release.name)


def _evict(release: Release, node: str, leaving: Sequence[Pod]) -> None:
    left = {pod["metadata"]["uid"]: pod for pod in leaving}
    told: set[str] = set()
    end = time.monotonic() + DRAINED_SECONDS
    while left:
        for uid in left.keys() - told:
            if _is_let_go(release, left[uid]):
                told.add(uid)
        there = {pod["metadata"]["uid"] for pod in _to_evict(release, node)}
        left = {uid: pod for uid, pod in left.items() if uid in there}
        if left and time.monotonic() > end:
            names = ", ".join(sorted(map(named, left.values())))
            raise NotInTimeError(f"node {node} is not drained within {DRAINED_SECONDS} s, there still are {names}")
        time.sleep(PERIOD_SECONDS if left else 0)


def _is_let_go(release: Release, pod: Pod) -> bool:
    """Ask to evict a pod; whether it goes, or else its disruption budget has to wait for another."""
    metadata = {"name": pod["metadata"]["name"], "namespace": pod["metadata"]["namespace"]}
    path = f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}/eviction"
    try:
        create(release.api, path, {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": metadata})
    except NoAnswerError as error:
        if error.status == HTTPStatus.TOO_MANY_REQUESTS:
            return False
        if error.status != HTTPStatus.NOT_FOUND:
            raise
    return True


def _to_evict(release: Release, node: str) -> list[Pod]:
    listed = get(release.api, "/api/v1/pods", {"fieldSelector": f"spec.nodeName={node}"})["items"]
    return [pod for pod in listed if _is_evicted(pod)]


def _is_evicted(pod: Pod) -> bool:
    owners = pod["metadata"].get("ownerReferences", ())
    stays = _MIRROR in pod["metadata"].get("annotations", {}) or any(owner["kind"] == "DaemonSet" for owner in owners)
    return not stays and pod["status"].get("phase") not in {"Succeeded", "Failed"}


def _labels(thing: Mapping[str, Any]) -> Mapping[str, str]:
    labels: Mapping[str, str] = thing["metadata"].get("labels", {})
    return labels
