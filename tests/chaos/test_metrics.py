import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from k8s.client.errors import ClusterError
from k8s.client.waiting import seconds_until
from loadtests.chaos.verdict import Bound
from loadtests.measure import READ, Request
from tests.chaos.experiment import Experiment, Extent, Run, Start
from tests.e2e.diagnosis import begins, verdict
from tests.e2e.load import BURN, constant_rate
from tests.e2e.release import Release, kubectl

pytestmark = pytest.mark.chaos

AT_LEAST = 4
RATE = 100
# Longer than the patience of scaling in, and than three failed looks at Prometheus.
AWAY_SECONDS = Extent(60, short=35)
SCALED_OUT_SECONDS = 90
RECOVERED_SECONDS = 90
NAMED_SECONDS = 60
# Reads keep CPU well under its target, so that each trigger can be told from the other.
VALUES: dict[str, Any] = {
    "resources": {"requests": {"cpu": "200m"}},
    "autoscaling": {"cpu": {"targetUtilizationPercent": 80}, "requestRate": {"targetPerReplica": RATE / 3.5}},
}


@dataclass(frozen=True)
class Away:
    """What is taken away, and the load that must scale the service out without it."""

    namespace: str
    deployments: tuple[str, ...]
    """Patterns of their names: KEDA's chart has another for one of them than its manifests."""
    link: str
    """What the doctor calls it."""
    pressure: Request
    pressure_rate: int


PROMETHEUS = Away("monitoring", ("prometheus",), "Prometheus", BURN, 8)
KEDA = Away("keda", ("keda-operator", "keda-(operator-)?metrics-apiserver"), "KEDA", BURN, 8)
METRICS_SERVER = Away("kube-system", ("metrics-server",), "CPU metrics", READ, 75)


def _without_trigger(index: int) -> Any:  # noqa: ANN401 - breaks a release
    def remove(release: Release) -> None:
        release.patch("scaledobject", {"op": "remove", "path": f"/spec/triggers/{index}"})

    return remove


PROMETHEUS_AWAY = Experiment(
    number=9,
    name="prometheus-away",
    promise="without Prometheus no replica goes, CPU still scales out, and the request rate comes back by itself",
    sabotage="no CPU trigger",
    values=VALUES,
    break_it=_without_trigger(0),
)
KEDA_AWAY = Experiment(
    number=9,
    name="keda-away",
    promise="without KEDA no replica goes, CPU still scales out, and the request rate comes back by itself",
    sabotage="no CPU trigger",
    values=VALUES,
    break_it=_without_trigger(0),
)
METRICS_SERVER_AWAY = Experiment(
    number=9,
    name="metrics-server-away",
    promise="without metrics-server no replica goes, the request rate still scales out, and CPU comes back by itself",
    sabotage="no request rate trigger",
    values=VALUES,
    break_it=_without_trigger(1),
)


@pytest.mark.parametrize(
    ("experiment", "away"),
    [
        (PROMETHEUS_AWAY, PROMETHEUS),
        pytest.param(KEDA_AWAY, KEDA, marks=pytest.mark.full),  # it costs the trigger that Prometheus' absence does
        (METRICS_SERVER_AWAY, METRICS_SERVER),
    ],
    ids=lambda value: value.name if isinstance(value, Experiment) else "",
)
def test_scaling_without(start: Start, experiment: Experiment, away: Away) -> None:
    """Without one source of metrics the autoscaler takes nothing back and follows the other; the doctor names it."""
    run = start(experiment)
    with run.load(RATE):
        scaled_by_rate = seconds_until(lambda: run.release.ready() >= AT_LEAST, 90)
        time.sleep(5)
        before = run.release.wanted()
        gone_at_s = run.mark(f"{away.deployments[0]} killed")
        with _killed(away):
            time.sleep(run.of(AWAY_SECONDS))
            named = seconds_until(lambda: _doctor_names(away, run.release), NAMED_SECONDS)
            scaled_out = _press(run, away, before)
            run.mark("back")
        recovered = seconds_until(lambda: _sees_both(run.release), RECOVERED_SECONDS)
        seen_at_s = run.mark("seen again")
    wanted = [
        moment.wanted for moment in run.moments if moment.wanted is not None and gone_at_s <= moment.at_s <= seen_at_s
    ]
    run.conclude(
        *run.failed_within(0),
        Bound(f"scaled to {AT_LEAST} by the rate before, s", scaled_by_rate, at_most=90),
        Bound("fewest wanted meanwhile", min(wanted, default=0), at_least=before),
        Bound("named by the doctor as the first broken link within, s", named, at_most=NAMED_SECONDS),
        Bound("scaled out without it within, s", scaled_out, at_most=SCALED_OUT_SECONDS),
        Bound("both metrics seen after it is back within, s", recovered, at_most=RECOVERED_SECONDS),
        wanted_before=before,
    )


def _doctor_names(away: Away, release: Release) -> bool:
    """Whether `make doctor` says that this is the first broken link, and none behind it, and where it is missing."""
    found = verdict(release)
    return begins(found, f"first broken link: {away.link}: ") and away.namespace in found[1]


def _press(run: Run, away: Away, before: int) -> float:
    """Add the load that the remaining metric sees; gives the seconds until more is wanted, NaN if it is not in time."""
    run.mark(f"and {away.pressure_rate} x {away.pressure.name} a second")
    with constant_rate(run.folder / "pressure", away.pressure_rate, away.pressure):
        return seconds_until(lambda: run.release.wanted() > before, SCALED_OUT_SECONDS)


@contextmanager
def _killed(away: Away) -> Iterator[None]:
    """Kill the pods without grace and keep them away for as long as the block lasts."""
    namespace = f"--namespace={away.namespace}"
    deployments = [_name(away, pattern) for pattern in away.deployments]
    try:
        for deployment in deployments:
            kubectl("scale", "deployment", deployment, "--replicas=0", namespace)
            kubectl(
                "delete", "pod", namespace, "--force", "--grace-period=0", f"--selector={_selector(away, deployment)}"
            )
        yield
    finally:
        for deployment in deployments:
            kubectl("scale", "deployment", deployment, "--replicas=1", namespace)


def _name(away: Away, pattern: str) -> str:
    """The one Deployment of a name like this."""
    path = "jsonpath={.items[*].metadata.name}"
    names = kubectl("get", "deployments", f"--namespace={away.namespace}", "-o", path).split()
    (name,) = [each for each in names if re.fullmatch(pattern, each)]
    return name


def _selector(away: Away, deployment: str) -> str:
    """Labels of a Deployment's pods."""
    path = "jsonpath={.spec.selector.matchLabels}"
    labels: dict[str, str] = json.loads(
        kubectl("get", "deployment", deployment, f"--namespace={away.namespace}", "-o", path)
    )
    return ",".join(f"{name}={value}" for name, value in labels.items())


def _sees_both(release: Release) -> bool:
    try:
        seen = release.autoscaler()
    except ClusterError:
        return False
    active = seen.conditions.get("ScalingActive")
    return active is not None and active.is_true and None not in (seen.cpu_percent, seen.request_rate)
