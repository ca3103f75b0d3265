"""What is done to pods and Deployments of a release, by the API server, and when it is over."""

import math
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

from k8s.client.api import delete, patch
from k8s.client.release import Release
from k8s.client.waiting import seconds_until
from loadtests.errors import LoadTestError

MANAGER = "users-api-chaos"
# For the end of a rollout, and of one pod's replacement: an application may take a minute to start.
PATIENCE_SECONDS = 240


def restart(release: Release) -> float:
    """Do what `kubectl rollout restart` does, and wait until only the new pods are left; gives the seconds.

    Raises:
        LoadTestError: that did not end.
        ClusterError: the cluster does not answer, or refuses.
    """
    at = datetime.now(UTC).isoformat(timespec="seconds")
    annotations = {"kubectl.kubernetes.io/restartedAt": at}
    path = f"/apis/apps/v1/namespaces/{release.namespace}/deployments/{release.deployment}"
    patch(release.api, path, {"spec": {"template": {"metadata": {"annotations": annotations}}}}, MANAGER)
    return wait_until_rolled_out(release)


def wait_until_rolled_out(release: Release) -> float:
    """Wait until all pods are of the newest template and ready, and no other is left; gives the seconds.

    Raises:
        LoadTestError: they are not in time.
    """
    return _ended(partial(is_rolled_out, release), "the rollout has not ended")


def stop_pod(release: Release, pod: str) -> None:
    """Delete a pod, which has its grace to end in."""
    delete(release.api, _pod(release, pod))


def kill_pod(release: Release, pod: str) -> None:
    """Delete a pod without grace: its processes are killed, and their connections are reset."""
    delete(release.api, _pod(release, pod), grace_seconds=0)


def wait_until_whole(release: Release, harmed: str, at_s: float, before: int) -> float:
    """Wait until the release is whole again; gives the seconds.

    Raises:
        LoadTestError: it is not in time.
    """
    return _ended(lambda: is_whole(release, harmed, at_s, before), "not all replicas are ready again")


def is_whole(release: Release, harmed: str, at_s: float, before: int) -> bool:
    """Whether as many pods serve as before; fewer if the autoscaler has scaled in meanwhile.

    The one that was harmed at that Unix time counts once it was restarted; the API's times are whole seconds.
    """
    serving = [pod for pod in release.serving_pods() if pod.name != harmed or (pod.ready_since_s or 0) >= int(at_s)]
    return len(serving) >= min(before, release.wanted())


def is_rolled_out(release: Release) -> bool:
    """Whether all pods are of the newest template, ready, and no other is left."""
    deployment = release.read()
    wanted, status = deployment["spec"]["replicas"], deployment["status"]
    counts = ("replicas", "updatedReplicas", "availableReplicas")
    return bool(
        status.get("observedGeneration", 0) >= deployment["metadata"]["generation"]
        and all(status.get(count, 0) == wanted for count in counts)
        and not any(pod.stopping for pod in release.api_pods())
    )


def _pod(release: Release, pod: str) -> str:
    return f"/api/v1/namespaces/{release.namespace}/pods/{pod}"


def _ended(holds: Callable[[], bool], what: str) -> float:
    seconds = seconds_until(holds, PATIENCE_SECONDS)
    if math.isnan(seconds):
        raise LoadTestError(f"{what} after {PATIENCE_SECONDS} s: see `kubectl get pods` and `kubectl get events`")
    return seconds
