"""What is done to a release under load, and what must hold then; the same of any application and of the users API."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import mean
from typing import NamedTuple

from k8s.client.recorder import ReleaseRecorder
from k8s.client.waiting import wait_until
from loadtests.chaos import faults
from loadtests.chaos.nodes import drained
from loadtests.chaos.run import Run
from loadtests.chaos.verdict import Bound
from loadtests.measure import READ, Answers, Request
from loadtests.measure.answers import AnswerRows, nearest_rank
from loadtests.measure.k6_csv import K6Csv
from loadtests.reaction import LINKS, Step, spent
from loadtests.reaction.measure import PATIENCE_SECONDS

# What 0.1 % is said of: an ungraceful end may cost the requests under way, however few come before and after.
SECONDS_EACH = 20
FAILED_SHARE = 0.001
SCALED_SECONDS = 180
GONE_SECONDS = 60
MOVED_SECONDS = 120
# In which each count is seen, and what comes after the last change too.
SEEN_SECONDS = 2
# Of load before a node is drained, and when all is moved.
CALM_SECONDS = 5
READY_P50_SECONDS, READY_P95_SECONDS = 20, 40


class Traffic(NamedTuple):
    """The steady load."""

    rate: int
    """Requests a second."""
    requests: Sequence[Request] = (READ,)


class Found(NamedTuple):
    """What must hold, and what else was measured."""

    bounds: list[Bound]
    figures: dict[str, float]


def restart_all(run: Run, traffic: Traffic, *, rounds: int, requests: int) -> Found:
    """Replace all pods again and again, for as long at least as so many requests take."""
    with run.load(traffic.rate, requests=traffic.requests):
        started = time.monotonic()
        for _ in range(rounds):
            run.mark("restart")
            faults.restart(run.release)
        time.sleep(max(2.0, requests * 1.01 / traffic.rate - (time.monotonic() - started)))
    return Found([*run.failed_within(0), Bound("requests", len(run.answers), at_least=requests)], {})


def harm_each(run: Run, traffic: Traffic, harm: Callable[[str], object], *, rounds: int) -> list[float]:
    """Harm one pod after another; gives the seconds until as many served as before, for each."""
    whole_after = []
    before = len(run.release.serving_pods())
    with run.load(traffic.rate, requests=traffic.requests):
        for _ in range(rounds):
            started = time.monotonic()
            pod = min((pod for pod in run.release.api_pods() if not pod.stopping), key=lambda pod: pod.restarts)
            at_s = run.mark("one ends")
            harm(pod.name)
            faults.wait_until_whole(run.release, pod.name, at_s, before)
            whole_after.append(time.time() - at_s)
            time.sleep(max(0.0, SECONDS_EACH - (time.monotonic() - started)))
    return whole_after


def stop_pods(run: Run, traffic: Traffic, *, rounds: int) -> Found:
    """Have one pod after another end with the grace that it has."""
    harm_each(run, traffic, lambda pod: faults.stop_pod(run.release, pod), rounds=rounds)
    return Found(run.failed_within(0), {})


def kill_pods(run: Run, traffic: Traffic, *, rounds: int) -> Found:
    """Kill one pod after another without grace."""
    harm_each(run, traffic, lambda pod: faults.kill_pod(run.release, pod), rounds=rounds)
    return Found(run.failed_within(FAILED_SHARE), {})


def scale_to(run: Run, replicas: int, tell: Callable[[int], None]) -> None:
    """Have the autoscaler want so many, and wait until it has followed and pods that had to go are gone."""
    run.mark(f"to {replicas}")
    tell(replicas)
    run.release.wait_for_replicas(replicas, seconds=SCALED_SECONDS)
    what = f"{replicas} pods and no more"
    wait_until(lambda: len(run.release.api_pods()), lambda count: count == replicas, GONE_SECONDS, what)


def scale_out_and_in(  # noqa: PLR0913 - by name
    run: Run, traffic: Traffic, tell: Callable[[int], None], *, fewest: int, most: int, rounds: int
) -> Found:
    """Have the autoscaler go from the fewest to the most and back; `tell` has it want so many."""
    with run.load(traffic.rate, requests=traffic.requests):
        for replicas in (most, fewest) * rounds:
            scale_to(run, replicas, tell)
            time.sleep(SEEN_SECONDS)
    return Found(
        [
            *run.failed_within(0),
            Bound("most replicas ready", max(run.ready, default=0), at_least=most),
            Bound("replicas ready at the end", run.ready[-1] if run.ready else 0, at_most=fewest, at_least=fewest),
        ],
        {},
    )


def drain_node(run: Run, traffic: Traffic, node: str, *, replicas: int) -> Found:
    """Drain a node, as its maintenance does, and give it back once the replicas are ready elsewhere."""
    with run.load(traffic.rate, requests=traffic.requests):
        time.sleep(CALM_SECONDS)
        began = run.mark("drain")
        with drained(run.release, node):
            emptied = run.mark("drained")
            wait_until(run.release.replicas, _are_all_ready, MOVED_SECONDS, "as many replicas ready as are wanted")
            whole = run.mark("whole again")
            left = [pod.name for pod in run.release.api_pods() if pod.node == node]
            time.sleep(CALM_SECONDS)
    return Found(
        [
            *run.failed_within(0),
            Bound("fewest ready", min(run.ready), at_least=replicas - 1),
            Bound("replicas left on the node", len(left), at_most=0),
        ],
        {"seconds_to_drain": emptied - began, "seconds_until_whole": whole - began},
    )


def step_load(run: Run, measure: Callable[[Path], Step], *, steps: int) -> tuple[list[Step], Found]:
    """Raise the load tenfold at once, again and again; `measure` does so once, with the load's files in a folder."""
    taken, answers, recorder = [], AnswerRows(), ReleaseRecorder(run.release)
    with recorder.recording():
        for number in range(1, steps + 1):
            folder = run.folder / f"step-{number}"
            taken.append(measure(folder))
            answers.add(K6Csv(folder / "k6.csv").added())
    run.answers, run.moments = Answers(answers.answers), recorder.moments
    ready = sorted(PATIENCE_SECONDS if step.ready is None else step.ready for step in taken)
    own = [spent(step) for step in taken]
    share = sum(step.failed for step in taken) / len(run.answers)
    bounds = [
        Bound("Ready after s, p50", nearest_rank(ready, 0.5), at_most=READY_P50_SECONDS),
        Bound("Ready after s, p95", nearest_rank(ready, 0.95), at_most=READY_P95_SECONDS),
        Bound("failed share", share, at_most=FAILED_SHARE),
    ]
    seen = {link: [seconds for each in own if (seconds := each[link]) is not None] for link in LINKS}
    means = {f"mean s, {link}": mean(seconds) for link, seconds in seen.items() if seconds}
    return taken, Found(bounds, {"steps": len(taken), **means})


def _are_all_ready(seen: tuple[int, int]) -> bool:
    wanted, ready = seen
    return ready == wanted
