"""As many nodes and pods as one control plane is built for, in real time: do scheduler and autoscalers keep up?"""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from k8s.cluster.steps import Steps
from k8s.simulation import ControlPlane, Options, Programs, Usage, control_plane
from loadtests.errors import LoadTestError
from loadtests.simulate import manifests
from loadtests.simulate.clock import Clock
from loadtests.simulate.fidelity import percentile
from loadtests.simulate.fleet import App, Fleet
from loadtests.simulate.pod_model import PodModel, Served
from loadtests.simulate.settings import Setting, settings, values
from loadtests.simulate.simulation import Simulation

NODE_CORES = 8
PODS_PER_NODE = 10
AUTOSCALERS = 10
# The fleet is this many times as large in the end: four doublings.
GROWTH = 16
# The request rate's window must be full before the step.
STEADY_SECONDS = 30
# On two cores with nothing beside it 10,000 pods take less than a third of this.
TIMEOUT_SECONDS = 900


@dataclass(frozen=True)
class Moment:
    """Pods of all Deployments at a second since the step."""

    second: float
    wanted: int
    ready: int


@dataclass(frozen=True)
class Scale:
    """How the control plane took a step of load that asks for every pod; in seconds since the step.

    Attributes:
        nodes: simulated.
        pods: that were ready in the end.
        autoscalers: that asked for them.
        reaction_p50_s: to an autoscaler's first new replica.
        reaction_max_s: likewise, of the slowest.
        wanted_s: until all were asked for.
        ready_s: until all were ready.
        scheduled_per_s: pods given a node, a second, from the first to the last.
        scheduled_peak_per_s: the same within the best ten seconds.
        scheduling_p50_s: from a pod's creation to its node.
        scheduling_p99_s: likewise.
        usage: by process, over the whole run.
        moments: once a second.
    """

    nodes: int
    pods: int
    autoscalers: int
    reaction_p50_s: float
    reaction_max_s: float
    wanted_s: float
    ready_s: float
    scheduled_per_s: float
    scheduled_peak_per_s: float
    scheduling_p50_s: float
    scheduling_p99_s: float
    usage: Mapping[str, Usage]
    moments: Sequence[Moment]

    def as_json(self) -> dict[str, object]:
        """All figures by name."""
        return asdict(self)


def scale(programs: Programs, nodes: int, steps: Steps) -> Scale:
    """Let autoscalers with the chart's behavior grow to ten pods a node at once.

    Raises:
        StepError: the control plane did not start, or ended.
        LoadTestError: the pods were not ready within a quarter of an hour.
    """
    pods = nodes * PODS_PER_NODE
    model = PodModel.of_chart(values())
    setting = _setting()
    with control_plane(programs, Options(node_leases=True), steps.directory / "scale") as plane:
        plane.api.create_nodes(nodes, NODE_CORES)
        most = pods // AUTOSCALERS
        apps = [_app(number, setting, most, model) for number in range(AUTOSCALERS)]
        fleet = Fleet(Clock(1), apps)
        simulation = Simulation(plane, fleet, model, manifests.of_chart(programs.helm, steps), (2, most))
        with simulation.running():
            steps.say(f"{nodes:,} nodes, {fleet.ready:,} pods on their way to {pods:,}")
            moments = _follow(plane, fleet, pods)
            usage = plane.usage()
    return summary(nodes, apps, moments, usage)


def _setting() -> Setting:
    """Take the chart's defaults with the production values' metrics, so that the metrics are not what is waited for."""
    chart = next(each for each in settings({}) if each.name == "fast-metrics")
    return Setting("scale", "the chart's behavior", chart.behavior, chart.target_percent, *_metrics())


def _metrics() -> tuple[int, int]:
    production = values("values-production.yaml")
    return production["autoscaling"]["requestRate"]["windowSeconds"], production["metrics"]["scrapeIntervalSeconds"]


def _app(number: int, setting: Setting, most: int, model: PodModel) -> App:
    full = 1.2 * most * model.target_rps(setting)  # beyond the tolerance, so that the last pods are asked for as well
    steady = most / GROWTH * model.target_rps(setting)
    rates = [steady] * STEADY_SECONDS + [full] * TIMEOUT_SECONDS
    return App(f"scale-{number:02}", setting, rates, Served(rates, model.ceiling_rps))


def _follow(plane: ControlPlane, fleet: Fleet, pods: int) -> list[Moment]:
    moments = [Moment(0, 0, 0)]
    while moments[-1].ready < pods:
        plane.require_running()
        second = fleet.clock.now() - STEADY_SECONDS
        if second > TIMEOUT_SECONDS:
            raise LoadTestError(f"{moments[-1].ready:,} of {pods:,} pods were ready within {TIMEOUT_SECONDS} s")
        time.sleep(1)
        with fleet.lock:
            wanted = sum(app.wanted[-1][1] for app in fleet.apps.values())
        moments.append(Moment(round(second, 1), wanted, fleet.ready))
    return [moment for moment in moments if moment.second >= 0 and moment.wanted]


def summary(nodes: int, apps: Sequence[App], moments: Sequence[Moment], usage: Mapping[str, Usage]) -> Scale:
    """Look back at autoscalers whose pods are all ready; times before the step count from the start of the run."""
    reactions = [app.wanted[1][0] - STEADY_SECONDS for app in apps]
    pods = [pod for app in apps for pod in app.pods.values()]
    new = [pod for pod in pods if pod.created_s > 0 and pod.scheduled_s is not None]
    scheduled = sorted(pod.scheduled_s for pod in new if pod.scheduled_s is not None)
    waits = [pod.scheduled_s - pod.created_s for pod in new if pod.scheduled_s is not None]
    return Scale(
        nodes=nodes,
        pods=sum(app.ready for app in apps),
        autoscalers=len(apps),
        reaction_p50_s=percentile(reactions, 50),
        reaction_max_s=max(reactions),
        wanted_s=max(app.wanted[-1][0] for app in apps) - STEADY_SECONDS,
        ready_s=max(pod.ready_s for pod in pods if pod.ready_s is not None) - STEADY_SECONDS,
        scheduled_per_s=len(scheduled) / (scheduled[-1] - scheduled[0]),
        scheduled_peak_per_s=max(Counter(int(second / 10) for second in scheduled).values()) / 10,
        scheduling_p50_s=percentile(waits, 50),
        scheduling_p99_s=percentile(waits, 99),
        usage=usage,
        moments=moments,
    )
