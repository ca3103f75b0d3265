import math
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kubernetes.client import ApiException
from urllib3.exceptions import HTTPError

from k8s.client.api import CALL_TIMEOUT_SECONDS
from k8s.client.errors import ClusterError
from k8s.client.release import Release
from k8s.client.waiting import seconds_until
from loadtests.assess.installation import Installation
from loadtests.assess.journal import say
from loadtests.assess.plan import Plan
from loadtests.errors import LoadTestError
from loadtests.measure import Answers, Stage, open_load

ROLLOUT_SECONDS = 240


@dataclass(frozen=True)
class Availability:
    """Requests and failures while all pods are replaced, and one of the new ones is killed without notice."""

    requests: int
    failed: int
    reasons: dict[str, int]
    rollout_seconds: float
    recovered_seconds: float
    """From the kill until as many replicas were ready as before, or as were wanted by then."""
    killed: str
    by_second: list[tuple[float, int, int]] = field(default_factory=list)
    """Seconds since the first request, requests, failed."""
    rollout_at_s: float = 0
    killed_at_s: float = 0
    """Both since the first request."""

    @property
    def percent(self) -> float:
        """Answered of all; a failed one is an error status, a reset, or no answer within 10 s."""
        return 100 * (1 - self.failed / self.requests) if self.requests else 0.0


def measure_availability(installation: Installation, plan: Plan, folder: Path, users: int) -> Availability:
    """Restart the Deployment, then kill a pod, under load.

    Raises:
        LoadTestError: k6 failed, or the rollout did not end.
        ClusterError: the kubeconfig may not do it.
    """
    release = installation.release
    stage = Stage(plan.availability_rate, 2 * ROLLOUT_SECONDS)
    with open_load(folder, [stage], environment=installation.environment(users=users), max_vus=200) as load:
        time.sleep(plan.settled_seconds)
        rollout_at = time.time()
        _restart(release)
        rollout_seconds = _wait(lambda: _is_rolled_out(release), "the rollout has not ended")
        say(f"  all pods replaced in {rollout_seconds:.0f} s")
        serving = _serving(release)
        killed = random.choice(sorted(serving))  # noqa: S311 - no secret
        killed_at = time.time()
        _kill(release, killed)
        recovered_seconds = _wait(lambda: is_whole(release, killed, len(serving)), "not all replicas are ready again")
        say(f"  {killed} killed, all replicas ready again after {recovered_seconds:.0f} s")
        time.sleep(plan.settled_seconds)
        load.stop()
    answers = load.answers()
    start = answers[0].at_s
    return Availability(
        len(answers),
        len(answers.failed),
        answers.reasons(),
        rollout_seconds,
        recovered_seconds,
        killed,
        _by_second(answers),
        rollout_at - start,
        killed_at - start,
    )


def is_whole(release: Release, killed: str, before: int) -> bool:
    """Whether as many pods serve as before, without the killed one; fewer if the autoscaler has scaled in meanwhile."""
    return len(_serving(release) - {killed}) >= min(before, release.wanted())


def _serving(release: Release) -> set[str]:
    return {pod.name for pod in release.serving_pods()}


def _by_second(answers: Answers) -> list[tuple[float, int, int]]:
    seconds = answers.by_second()
    return [(second.at_s - seconds[0].at_s, second.requests, second.failed) for second in seconds]


def _restart(release: Release) -> None:
    """Do what `kubectl rollout restart` does."""
    at = datetime.now(UTC).isoformat(timespec="seconds")
    patch = {"spec": {"template": {"metadata": {"annotations": {"kubectl.kubernetes.io/restartedAt": at}}}}}
    _call(release.apps.patch_namespaced_deployment, release.deployment, release.namespace, patch)


def _is_rolled_out(release: Release) -> bool:
    deployment = _call(release.apps.read_namespaced_deployment, release.deployment, release.namespace)
    status, wanted = deployment.status, deployment.spec.replicas
    return bool(
        status.observed_generation >= deployment.metadata.generation
        and status.updated_replicas == wanted
        and status.replicas == wanted
        and status.available_replicas == wanted
        and not any(pod.stopping for pod in release.api_pods())
    )


def _kill(release: Release, pod: str) -> None:
    """Delete the pod without grace: its processes are killed, and their connections are reset."""
    _call(release.core.delete_namespaced_pod, pod, release.namespace, grace_period_seconds=0)


def _wait(holds: Callable[[], bool], what: str) -> float:
    seconds = seconds_until(holds, ROLLOUT_SECONDS)
    if math.isnan(seconds):
        raise LoadTestError(f"{what} after {ROLLOUT_SECONDS} s: see `kubectl get pods` and `kubectl get events`")
    return seconds


def _call(method: Any, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401 - the client has no types
    try:
        return method(*arguments, **options, _request_timeout=CALL_TIMEOUT_SECONDS)
    except (ApiException, HTTPError) as error:
        raise ClusterError(f"the cluster refuses or does not answer: {error}") from error
