"""The same faults once more, with Redis gone at the same time."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from tests.chaos.experiment import Experiment, Run
from tests.e2e.release import NAME

REDIS = f"statefulset/{NAME}-redis"


def with_redis_and_without(experiment: Experiment) -> pytest.MarkDecorator:
    """Run a test with Redis, and in full length without it."""
    without = replace(
        experiment,
        name=f"{experiment.name}-without-redis",
        promise=f"{experiment.promise}, with Redis gone too",
        without_redis=True,
    )
    ways = [pytest.param(experiment, id="with redis"), pytest.param(without, id="without", marks=pytest.mark.full)]
    return pytest.mark.parametrize("experiment", ways)


@contextmanager
def redis_as_said(run: Run) -> Iterator[None]:
    """Take Redis away without grace for as long as the block lasts, if the experiment is one without it."""
    if not run.experiment.without_redis:
        yield
        return
    kubectl = run.release.kubectl
    kubectl("scale", REDIS, "--replicas=0")
    try:
        kubectl("delete", "pod", f"{NAME}-redis-0", "--force", "--grace-period=0", "--ignore-not-found")
        yield
    finally:
        kubectl("scale", REDIS, "--replicas=1")
        kubectl("rollout", "status", REDIS, "--timeout=120s")
