import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from k8s.ingress.controllers import CONTOUR, NAMESPACE
from tests.chaos.experiment import Experiment
from tests.e2e.controller import controller, kubectl
from tests.e2e.release import merged

# The cluster's Gateway, and no Ingress beside it.
BY_GATEWAY: dict[str, Any] = {
    "ingress": {"enabled": False},
    "httpRoute": {
        "enabled": True,
        "retry": "traefik",
        "parentRefs": [{"name": "public", "namespace": NAMESPACE, "sectionName": "http"}],
    },
}


def by_gateway(experiment: Experiment) -> Experiment:
    """Give the same experiment with the requests coming through an HTTPRoute."""
    return replace(
        experiment,
        name=f"{experiment.name}-by-gateway",
        promise=f"{experiment.promise}, through the HTTPRoute",
        values=merged(experiment.values, BY_GATEWAY),
        by_gateway=True,
    )


def by_its_controller(experiment: Experiment) -> Experiment:
    """Give the same experiment with the name of who serves the Ingress, unless that is the local cluster's own."""
    if experiment.by_gateway or controller() is CONTOUR:
        return experiment
    name = controller().name
    return replace(experiment, name=f"{experiment.name}-by-{name}", promise=f"{experiment.promise}, through {name}")


def both_ways_in(experiment: Experiment, *, short: bool = True) -> pytest.MarkDecorator:
    """Run a test with the experiment through the Ingress, and through the HTTPRoute; `short`: that in `--short` too."""
    marks = () if short else pytest.mark.full
    ways = [pytest.param(experiment, id="ingress"), pytest.param(by_gateway(experiment), id="gateway", marks=marks)]
    return pytest.mark.parametrize("experiment", ways)


def change(spec: Mapping[str, Any]) -> None:
    """Merge this into the Deployment of who serves the Ingress, and wait until its pods are of it."""
    kubectl("patch", "deployment", controller().workload, "--type=merge", "--patch", json.dumps({"spec": spec}))
    wait()


def wait() -> None:
    """Wait until the pods of who serves the Ingress are those that it shall have."""
    kubectl("rollout", "status", f"deployment/{controller().workload}", "--timeout=120s")
