import time

import pytest

from k8s.client.pod import Pod
from k8s.client.waiting import seconds_until
from loadtests.chaos.experiments import drain_node
from loadtests.chaos.nodes import to_lose
from loadtests.chaos.verdict import Bound
from tests.chaos import nodes
from tests.chaos.experiment import Experiment, Start
from tests.chaos.sabotage import NO_RETRIES, NO_SHUTDOWN_DELAY, remove_pre_stop
from tests.chaos.traffic import traffic
from tests.chaos.values import FOUR

pytestmark = pytest.mark.chaos

REPLICAS = 4
# k6 has clients enough for this rate while half of them wait for a node that says nothing.
STOPPED_RATE = 40
STOPPED_SECONDS = 75
ANSWERED_SECONDS = 30
WHOLE_SECONDS = 60
REMOVED_SECONDS = 60

NODE_DRAINED = Experiment(
    number=5,
    name="node-drained",
    promise="0 failed while a node is drained at 200 requests/s, and one replica away at most",
    sabotage="no disruption budget, no preStop sleep, no shutdown delay, no retries",
    values=FOUR,
    sabotaged={**NO_RETRIES, **NO_SHUTDOWN_DELAY, "podDisruptionBudget": {"enabled": False}},
    break_it=remove_pre_stop,
)
NODE_STOPPED = Experiment(
    number=5,
    name="node-stopped",
    promise="a node stops dead: all is answered again within 30 s, and four replicas are ready again within 60 s",
    sabotage="replicas on a lost node are waited for as long as Kubernetes does by itself (300 s), no retries",
    values=FOUR,
    sabotaged={**NO_RETRIES, "lostNodeTolerationSeconds": 300},
)


def test_node_drained(start: Start) -> None:
    """Draining a node moves its replicas away one by one, and no request fails."""
    run = start(NODE_DRAINED)
    node = to_lose(run.release)
    found = drain_node(run, traffic(run), node, replicas=REPLICAS)
    run.conclude(*found.bounds, **found.figures)


def test_node_stopped(start: Start) -> None:
    """When a node stops without a word, its replicas are replaced without a hand."""
    run = start(NODE_STOPPED)
    nodes.spread(run.release)
    node = to_lose(run.release)
    gone = {pod.name for pod in run.release.api_pods() if pod.node == node}
    with run.load(STOPPED_RATE):
        time.sleep(5)
        with nodes.stopped(node):
            stopped = run.mark("node stops")
            time.sleep(STOPPED_SECONDS)
            back = run.mark("node is back")
        removed = seconds_until(lambda: gone.isdisjoint(run.release.pods(also_stopping=True)), REMOVED_SECONDS)
        run.release.wait_for_replicas(REPLICAS, seconds=60)
    whole = [
        moment.at_s - stopped
        for moment in run.moments
        if stopped < moment.at_s < back and _ready_elsewhere(moment.pods, node) >= REPLICAS
    ]
    failed = run.answers.failed
    without = failed.between(stopped - 10, back)
    run.conclude(
        Bound(
            "seconds until all is answered",
            max((one.at_s - stopped for one in without), default=0),
            at_most=ANSWERED_SECONDS,
        ),
        Bound("seconds until four are ready", min(whole, default=back - stopped), at_most=WHOLE_SECONDS),
        Bound("its old replicas removed once it is back, s", removed, at_most=REMOVED_SECONDS),
        Bound("failed once it is back", len(failed.between(back, time.time())), at_most=0),
        Bound("not sent", run.dropped, at_most=len(run.answers) // 1000),
        failed_meanwhile=len(without),
        replicas_lost=len(gone),
    )


def _ready_elsewhere(pods: tuple[Pod, ...], node: str) -> int:
    return sum(pod.serving and pod.node != node for pod in pods)
