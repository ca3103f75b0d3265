import random
import time
from dataclasses import dataclass, field
from pathlib import Path

from loadtests.assess.installation import Installation
from loadtests.assess.journal import say
from loadtests.assess.plan import Plan
from loadtests.chaos import faults
from loadtests.measure import Answers, Stage, open_load


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
    stage = Stage(plan.availability_rate, 2 * faults.PATIENCE_SECONDS)
    with open_load(folder, [stage], environment=installation.environment(users=users), max_vus=200) as load:
        time.sleep(plan.settled_seconds)
        rollout_at = time.time()
        rollout_seconds = faults.restart(release)
        say(f"  all pods replaced in {rollout_seconds:.0f} s")
        serving = release.serving_pods()
        killed = random.choice(serving).name  # noqa: S311 - no secret
        killed_at = time.time()
        faults.kill_pod(release, killed)
        recovered_seconds = faults.wait_until_whole(release, killed, killed_at, len(serving))
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


def _by_second(answers: Answers) -> list[tuple[float, int, int]]:
    seconds = answers.by_second()
    return [(second.at_s - seconds[0].at_s, second.requests, second.failed) for second in seconds]
