import argparse
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from k8s.client.application import Application, Metrics
from k8s.client.prometheus import Prometheus
from loadtests.chaos import planned_scaling
from loadtests.chaos.offered import OFFERED
from loadtests.chaos.options import add_options, wish_of
from loadtests.chaos.planned import NotFollowedError
from loadtests.chaos.planned_pods import NodeDrained, PodDeleted, PodForceKilled, RollingRestart
from loadtests.chaos.planned_scaling import LoadStep, Scaling
from loadtests.chaos.run import Run
from loadtests.chaos.site import Site
from loadtests.chaos.wish import Wish
from loadtests.reaction import Step
from tests.chaos_cluster import Cluster, serving

Plan = Callable[..., Any]
# As k6 writes one request and its answer, and what each link of the step below took.
CSV = """metric_name,timestamp,metric_value,extra_tags,metadata
asked,1000000,1,request=read,vu=1&iter=0
answer,1100000,100,status=200&error=0,vu=1&iter=0
"""
TOOK = {"decided": 2.0, "created": 1.0, "scheduled": 3.1 - 3.0, "started": 4.0 - 3.1, "ready": 5.0}


@pytest.fixture
def servers() -> Any:  # noqa: ANN401 - closes what a test has opened
    """Servers of a test, which end with it."""
    with ExitStack() as opened:
        yield opened


@pytest.fixture
def plan(servers: ExitStack) -> Plan:
    """Plan an experiment with a cluster."""

    def make(kind: Any, cluster: Cluster, **wish: Any) -> Any:  # noqa: ANN401 - of its kind
        release = servers.enter_context(serving(cluster))
        site = Site(release, Prometheus(None, "no/prometheus:1"), Application("shop", "shop"), {}, Wish(**wish))
        return kind(site, print)

    return make


def _recreated() -> Cluster:
    cluster = Cluster(2)
    cluster.deployment["spec"]["strategy"] = {"type": "Recreate"}
    return cluster


@pytest.mark.parametrize(
    ("kind", "cluster", "wish", "why"),
    [
        (RollingRestart, _recreated(), {}, "strategy Recreate ends all pods before others begin"),
        (RollingRestart, Cluster(1), {}, ""),
        (PodDeleted, Cluster(1), {}, "it has one replica"),
        (PodForceKilled, Cluster(1), {}, "it has one replica"),
        (PodDeleted, Cluster(2), {}, ""),
        (NodeDrained, Cluster(2), {}, "--drain (DRAIN=1 of make) allows"),
        (NodeDrained, Cluster(1), {"drain": True}, "it has one replica"),
        (NodeDrained, Cluster(2), {"drain": True}, ""),
        (Scaling, Cluster(2), {}, "nothing scales Deployment shop"),
        (Scaling, Cluster(2, scaled=(1, 2)), {}, "it has as many replicas as HPA shop may give it"),
        (Scaling, Cluster(2, scaled=(1, 3)), {}, ""),
        (LoadStep, Cluster(2), {}, "nothing scales Deployment shop"),
        (LoadStep, Cluster(2, scaled=(2, 2)), {}, "HPA shop has no more than its fewest replicas"),
        (LoadStep, Cluster(2, scaled=(1, 4)), {}, "a step begins at the fewest replicas, 1, and it has 2"),
        (LoadStep, Cluster(2, scaled=(2, 4)), {}, ""),
    ],
)
def test_what_proves_nothing_is_refused(kind: Any, cluster: Cluster, wish: Any, why: str, plan: Plan) -> None:  # noqa: ANN401 - of its kind
    """Each experiment says why it does not apply to a release, or that it does."""
    said = plan(kind, cluster, **wish).unfit()
    assert (why in said) if why else not said
    assert not said or said.startswith("does not apply: ")
    assert cluster.told == []


def test_a_node_whose_pods_would_not_come_back_is_not_drained(plan: Plan) -> None:
    """What nobody manages would be lost, whichever node is meant."""
    cluster = Cluster(2)
    for node in ("a", "b"):
        cluster.add(f"by-hand-on-{node}", node, owners=())
    assert "nothing would bring back shop/by-hand-on-a" in plan(NodeDrained, cluster, drain=True).unfit()


def test_each_says_what_it_will_do(plan: Plan) -> None:
    """The commands that do the same, who else is harmed, and what undoes it are told before anything is done."""
    cluster = Cluster(2, scaled=(2, 6))
    cluster.add("others", "b")
    cluster.add("logs", "b", owners=({"kind": "DaemonSet", "name": "logs"},))
    does = {kind: plan(kind, cluster, short=True, drain=True).does() for kind in OFFERED}
    assert "replaces all 2 pods, 1 x `kubectl --namespace shop rollout restart deployment/shop`" in does[RollingRestart]
    assert "deletes 1 of its pods" in does[PodDeleted]
    assert "kills 1 of its pods without grace" in does[PodForceKilled]
    assert "node a and evicts its 1 pods" in does[NodeDrained]
    assert does[NodeDrained].endswith("of others: none. Should this end untimely: `kubectl uncordon a`")
    assert "has 4 replicas instead of 2, and these again, 1 x" in does[Scaling]
    assert does[LoadStep] == "raises the load from 20 to 200 requests/s at once, 1 x"
    assert cluster.told == []


def test_replicas_are_doubled_at_most(plan: Plan) -> None:
    """Where the autoscaler may not give as many, what it may."""
    assert "from 2 replicas to 3 and back" in plan(Scaling, Cluster(2, scaled=(1, 3))).promise.promise
    assert "from 3 replicas to 6 and back" in plan(Scaling, Cluster(3, scaled=(1, 9))).promise.promise


@pytest.mark.parametrize("kind", OFFERED)
def test_each_is_bounded_and_shorter_in_short_form(kind: Any, plan: Plan) -> None:  # noqa: ANN401 - of its kind
    """A short run never lasts longer, nor sends more; the rate counts in the bound."""
    short, full, faster = (
        plan(kind, Cluster(2, scaled=(2, 4)), **wish) for wish in ({"short": True}, {}, {"rate": 100, "peak": 400})
    )
    assert 0 < short.at_most_seconds <= full.at_most_seconds < 3600
    assert 0 < short.at_most_requests <= full.at_most_requests == faster.at_most_requests / 2
    assert short.promise.name == kind.name
    assert short.promise.number > 0


STEP = Step(None, None, None, 2.0, 3.0, 3.1, 4.0, 9.0, None, requests=1)


@pytest.mark.parametrize("decided", [2.0, None])
def test_a_step_that_is_not_followed_proves_nothing(
    decided: float | None, plan: Plan, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Too small a load is no fault of the release: the message says what offers more."""
    asked: list[dict[str, Any]] = []

    def measure(_api: object, _release: object, _prometheus: object, folder: Path, **options: Any) -> Step:  # noqa: ANN401 - by name
        asked.append(options)
        folder.mkdir(parents=True)
        (folder / "k6.csv").write_text(CSV)
        return replace(STEP, decided=decided)

    monkeypatch.setattr(planned_scaling, "measure_step", measure)
    step = plan(LoadStep, Cluster(2, scaled=(2, 4)), peak=300, short=True)
    run = Run(step.promise, step._site.release, short=True, results=tmp_path)
    if decided is None:
        with pytest.raises(NotFollowedError, match="at 300 requests/s the autoscaler wanted no more replicas: --peak"):
            step.perform(run)
    else:
        found = step.perform(run)
        assert run.missed(found.bounds) == []
        assert found.figures == {"steps": 1, **{f"mean s, {link}": seconds for link, seconds in TOOK.items()}}
    (options,) = asked
    assert (options["rate"], options["factor"], options["signals"]) == (30, 10, ())
    assert options["application"].metrics == Metrics()


def test_a_step_waits_for_the_fewest_replicas(plan: Plan, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What experiments before it left may go yet; where other load keeps it, nothing is measured."""
    monkeypatch.setattr(planned_scaling, "MINIMUM_SECONDS", 0)
    step = plan(LoadStep, Cluster(3, scaled=(2, 4)))
    assert step.unfit()
    assert not step.unfit_now()
    with pytest.raises(NotFollowedError, match="does not apply: no replicas but the autoscaler's minimum"):
        step.perform(Run(step.promise, step._site.release, short=True, results=tmp_path))


def test_a_release_is_looked_at_anew(servers: ExitStack) -> None:
    """What was true when all was planned need not be when an experiment's turn has come."""
    cluster = Cluster(2, scaled=(2, 6))
    release = servers.enter_context(serving(cluster))
    site = Site(release, Prometheus(None, "no/prometheus:1"), Application("shop", "shop"), {}, Wish())
    cluster.scalers[0]["spec"]["minReplicas"] = 3
    cluster.fill()
    assert (site.replicas, site.looked_at_anew().replicas) == (2, 3)


def test_options_say_what_is_wished() -> None:
    """Nothing is done unless told, and a rate is neither nothing nor a flood."""
    parser = argparse.ArgumentParser()
    add_options(parser)
    assert wish_of(parser.parse_args([])) == Wish()
    words = ["--yes", "--short", "--drain", "--only", "step", "--only", "scaling", "--rate", "5", "--peak", "9"]
    found = Wish(("step", "scaling"), short=True, drain=True, yes=True, rate=5, peak=9)
    assert wish_of(parser.parse_args(words)) == found
    for wrong in ("0", "2001", "fast"):
        with pytest.raises(SystemExit):
            parser.parse_args(["--rate", wrong])
