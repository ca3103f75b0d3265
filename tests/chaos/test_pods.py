import time
from collections.abc import Callable

import pytest

from k8s.client.waiting import wait_until
from tests.chaos.experiment import Experiment, Extent, Run, Start
from tests.chaos.sabotage import NO_RETRIES, NO_SHUTDOWN_DELAY, remove_pre_stop, remove_readiness
from tests.chaos.traffic import MIX, RATE
from tests.chaos.values import FOUR
from tests.chaos.verdict import Bound
from tests.chaos.way_in import both_ways_in
from tests.e2e.release import Release, kubectl

pytestmark = pytest.mark.chaos

ROUNDS = Extent(3, short=1)
REPLICAS = 4
# What 0.1 % is said of: an ungraceful end may cost the requests under way, however few come before and after.
SECONDS_EACH = 20
WHOLE_AGAIN_SECONDS = 10
FAILED_SHARE = 0.001
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
    _each(run, lambda pod: kubectl("delete", "pod", pod, "--wait=false"))
    run.conclude(*run.failed_within(0))


@both_ways_in(FORCE_KILLED, short=False)
def test_pod_force_killed(start: Start, experiment: Experiment) -> None:
    """A pod that vanishes costs what was under way and no more."""
    run = start(experiment)
    _each(run, lambda pod: kubectl("delete", "pod", pod, "--force", "--grace-period=0"))
    run.conclude(*run.failed_within(FAILED_SHARE))


@pytest.mark.full  # to clients it is a pod that was killed
@both_ways_in(OOM_KILLED)
def test_container_oom_killed(start: Start, experiment: Experiment) -> None:
    """A container that uses up its memory is killed, restarted and back in 10 s, and next to nothing fails."""
    run = start(experiment)
    whole_after = _each(run, _use_up_memory)
    ended = {pod.last_ended for pod in run.release.api_pods()} - {""}
    run.conclude(
        *run.failed_within(FAILED_SHARE),
        Bound("whole again within, s", max(whole_after), at_most=WHOLE_AGAIN_SECONDS, of_time=True),
        Bound("ended otherwise than OOMKilled", len(ended ^ {"OOMKilled"}), at_most=0),
    )


def _each(run: Run, harm: Callable[[str], object]) -> list[float]:
    """Harm one pod after another under load; gives the seconds until as many served as before, for each."""
    whole_after = []
    with run.load(run.of(RATE), requests=MIX):
        for _ in range(run.of(ROUNDS)):
            started = time.monotonic()
            pod = min((pod for pod in run.release.api_pods() if not pod.stopping), key=lambda pod: pod.restarts)
            at_s = run.mark("one ends")
            harm(pod.name)
            wait_until(lambda: _is_whole(run.release, pod.name, at_s), bool, 90, f"{REPLICAS} ready")  # noqa: B023 - at once
            whole_after.append(time.time() - at_s)
            time.sleep(max(0.0, SECONDS_EACH - (time.monotonic() - started)))
    return whole_after


def _is_whole(release: Release, harmed: str, at_s: float) -> bool:
    """Whether as many serve as before, and the harmed one is another or has restarted since."""
    serving = release.serving_pods()
    old = [pod for pod in serving if pod.name == harmed and (pod.ready_since_s or 0) < int(at_s)]
    return len(serving) >= REPLICAS and not old


def _use_up_memory(pod: str) -> None:
    """Allocate more than the container's limit in it, so that the kernel kills its server.

    What is started in the container counts towards the same limit. On cgroup v1 the kernel then kills one process, the
    largest; so small ones use the memory up, and the server's score is raised.
    """
    with pytest.raises(AssertionError):  # the program dies with the container
        kubectl("exec", pod, "--container=api", "--", "python", "-c", USE_UP_MEMORY)
