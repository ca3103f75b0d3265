from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from k8s.cluster.steps import Steps
from k8s.simulation import ControlPlane, Options, Programs, control_plane
from loadtests.errors import LoadTestError
from loadtests.simulate import manifests
from loadtests.simulate.account import Outcome, outcome
from loadtests.simulate.clock import Clock, compressed
from loadtests.simulate.fidelity import Fidelity, fidelity
from loadtests.simulate.fleet import App, Fleet
from loadtests.simulate.manifests import Manifest
from loadtests.simulate.pod_model import PodModel, Served
from loadtests.simulate.scenarios import SYNC_SECONDS, Scenario
from loadtests.simulate.settings import Setting, settings, values
from loadtests.simulate.simulation import AUTOSCALERS, Simulation

# Factors that divide every period of Kubernetes' and the chart's behavior: an HPA's are whole seconds.
SPEEDS = (1, 3, 5, 15)
NODES, CORES = 60, 32
# Of the controller manager, by default.
CPU_INITIALIZATION_SECONDS, READINESS_DELAY_SECONDS, DOWNSCALE_STABILIZATION_SECONDS = 300, 30, 300
# What the chart's pods take on the local cluster: bound to ready, and deleted to gone (preStop and drain).
READY_SECONDS, GONE_SECONDS = 4, 16


@dataclass(frozen=True)
class Comparison:
    """Every setting under every scenario.

    Attributes:
        apps: by scenario and setting, one for each slice.
        outcomes: by scenario, then setting.
        speed: how many times as fast as time it ran.
        rounded: periods that compressed time has changed.
        fidelity: how well the control plane kept up.
    """

    model: PodModel
    scenarios: Sequence[Scenario]
    settings: Sequence[Setting]
    apps: Mapping[tuple[str, str], Sequence[App]]
    outcomes: Mapping[str, Mapping[str, Outcome]]
    speed: int
    rounded: Sequence[str]
    fidelity: Fidelity


def compare(
    programs: Programs, scenarios: Sequence[Scenario], chosen: Sequence[str], speed: int, steps: Steps
) -> Comparison:
    """Run every scenario under the `chosen` settings (all when empty) at the same time, in one control plane.

    Time runs `speed` times as fast.

    Raises:
        StepError: the control plane did not start, or ended.
        LoadTestError: no setting has a chosen name, or the first pods were not ready in time.
    """
    options = Options(
        sync_seconds=SYNC_SECONDS / speed,
        cpu_initialization_seconds=CPU_INITIALIZATION_SECONDS / speed,
        readiness_delay_seconds=READINESS_DELAY_SECONDS / speed,
        ready_after_ms=READY_SECONDS * 1000 // speed,
        gone_after_ms=GONE_SECONDS * 1000 // speed,
    )
    chart = manifests.of_chart(programs.helm, steps)
    model = PodModel.of_chart(values())
    with control_plane(programs, options, steps.directory / "comparison") as plane:
        every = settings(_default_behavior(plane, chart["HorizontalPodAutoscaler"]))
        compared = [setting for setting in every if not chosen or setting.name in chosen]
        if unknown := set(chosen) - {setting.name for setting in compared}:
            names = ", ".join(setting.name for setting in every)
            raise LoadTestError(f"no setting is called {', '.join(sorted(unknown))}; choose from {names}")
        apps = {
            (scenario.name, setting.name): [
                _app(f"{scenario.name}-{number:02}-{setting.name}", setting, each.rates, model)
                for number, each in enumerate(scenario.slices)
            ]
            for scenario in scenarios
            for setting in compared
        }
        fleet = Fleet(Clock(speed), [app for group in apps.values() for app in group])
        seconds = max(len(app.rates) for app in fleet.apps.values())
        plane.api.create_nodes(NODES, CORES)
        minimum = values()["autoscaling"]["minReplicas"]
        with Simulation(plane, fleet, model, chart, (minimum, NODES)).running():
            steps.say(f"{len(fleet.apps)} Deployments, {fleet.ready} pods; {seconds / speed:.0f} s for {seconds} s")
            fleet.clock.sleep_until(seconds)
            plane.require_running()
            used = sum(each.cpu_seconds for each in plane.usage().values())
    outcomes = {
        scenario.name: {
            setting.name: outcome(scenario, apps[scenario.name, setting.name], model.capacity_rps)
            for setting in compared
        }
        for scenario in scenarios
    }
    rounded = [f"{each.title}: {change}" for each in compared for change in compressed(dict(each.behavior), speed)[1]]
    return Comparison(model, scenarios, compared, apps, outcomes, speed, rounded, fidelity(fleet, used))


def _app(name: str, setting: Setting, rates: Sequence[float], model: PodModel) -> App:
    return App(name, setting, rates, Served(rates, model.ceiling_rps))


def _default_behavior(plane: ControlPlane, chart: Manifest) -> dict[str, Any]:
    """Ask the API server what it fills in: a dry run, answered with the object as it would be stored."""
    bare = {
        **chart,
        "metadata": {"name": "bare"},
        "spec": {**chart["spec"], "behavior": {"scaleUp": {}, "scaleDown": {}}},
    }
    behavior: dict[str, Any] = plane.api.create(f"{AUTOSCALERS}?dryRun=All", bare)["spec"]["behavior"]
    # The one default that the controller manager fills in, by a flag.
    behavior["scaleDown"].setdefault("stabilizationWindowSeconds", DOWNSCALE_STABILIZATION_SECONDS)
    return behavior
