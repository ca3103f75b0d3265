import pytest

from loadtests.chaos.experiments import FAILED_SHARE, harm_each, kill_pods, stop_pods
from loadtests.chaos.verdict import Bound
from tests.chaos.experiment import Experiment, Extent, Start
from tests.chaos.sabotage import NO_RETRIES, NO_SHUTDOWN_DELAY, remove_pre_stop, remove_readiness
from tests.chaos.traffic import traffic
from tests.chaos.values import FOUR
from tests.chaos.way_in import both_ways_in
from tests.e2e.release import Release, kubectl

pytestmark = pytest.mark.chaos

ROUNDS = Extent(3, short=1)
WHOLE_AGAIN_SECONDS = 10
USE_UP_MEMORY = """
import os, time
with open("/proc/1/oom_score_adj", "w") as score:
    score.write("1000")
for _ in range(64):
    if os.fork() == 0:
        held = b"x" * (24 << 20)
        time.sleep(30)
        os._exit(0)
    time.sleep(0.02)
time.sleep(30)
"""


def _remove_pre_stop_and_readiness(release: Release) -> None:
    remove_pre_stop(release)
    remove_readiness(release)


DELETED = Experiment(
    number=4,
    name="pod-deleted",
    promise="0 failed when pods are deleted, one after another",
    sabotage="no preStop sleep, no shutdown delay, no readiness and no startup probe, no retries",
    values=FOUR,
    sabotaged={**NO_RETRIES, **NO_SHUTDOWN_DELAY},
    break_it=_remove_pre_stop_and_readiness,
)
FORCE_KILLED = Experiment(
    number=4,
    name="pod-force-killed",
    promise="at most 0.1 % failed when pods are killed without grace",
    sabotage="no readiness and no startup probe, no retries",
    values=FOUR,
    sabotaged=NO_RETRIES,
    break_it=remove_readiness,
)
OOM_KILLED = Experiment(
    number=4,
    name="container-oom-killed",
    promise="at most 0.1 % failed when the kernel kills containers out of memory, whole again in 10 s",
    sabotage="no readiness and no startup probe, no retries",
    values=FOUR,
    sabotaged=NO_RETRIES,
    break_it=remove_readiness,
)


@both_ways_in(DELETED)
def test_pod_deleted(start: Start, experiment: Experiment) -> None:
    """A pod that is told to stop lets go of its clients: no request fails, writes included."""
    run = start(experiment)
    run.conclude(*stop_pods(run, traffic(run), rounds=run.of(ROUNDS)).bounds)


@both_ways_in(FORCE_KILLED, short=False)
def test_pod_force_killed(start: Start, experiment: Experiment) -> None:
    """A pod that vanishes costs what was under way and no more."""
    run = start(experiment)
    run.conclude(*kill_pods(run, traffic(run), rounds=run.of(ROUNDS)).bounds)


@pytest.mark.full  # to clients it is a pod that was killed
@both_ways_in(OOM_KILLED)
def test_container_oom_killed(start: Start, experiment: Experiment) -> None:
    """A container that uses up its memory is killed, restarted and back in 10 s, and next to nothing fails."""
    run = start(experiment)
    whole_after = harm_each(run, traffic(run), _use_up_memory, rounds=run.of(ROUNDS))
    ended = {pod.last_ended for pod in run.release.api_pods()} - {""}
    run.conclude(
        *run.failed_within(FAILED_SHARE),
        Bound("whole again within, s", max(whole_after), at_most=WHOLE_AGAIN_SECONDS, of_time=True),
        Bound("ended otherwise than OOMKilled", len(ended ^ {"OOMKilled"}), at_most=0),
    )


def _use_up_memory(pod: str) -> None:
    """Allocate more than the container's limit in it, so that the kernel kills its server.

    What is started in the container counts towards the same limit. On cgroup v1 the kernel then kills one process, the
    largest; so small ones use the memory up, and the server's score is raised.
    """
    with pytest.raises(AssertionError):  # the program dies with the container
        kubectl("exec", pod, "--container=api", "--", "python", "-c", USE_UP_MEMORY)
