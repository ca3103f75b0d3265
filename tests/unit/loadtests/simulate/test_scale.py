import pytest

from k8s.simulation import Usage
from loadtests.simulate.fleet import App, Pod
from loadtests.simulate.pod_model import Served
from loadtests.simulate.scale import STEADY_SECONDS, Moment, summary
from loadtests.simulate.settings import settings


def _app(first_s: float, *pods: Pod) -> App:
    app = App("app", settings({})[0], [1.0], Served([1.0], 1000), ready=len(pods))
    app.pods.update({f"pod-{number}": pod for number, pod in enumerate(pods)})
    app.wanted = [(0.0, 1), (STEADY_SECONDS + first_s, 2), (STEADY_SECONDS + 20, 3)]
    return app


def test_times_count_from_the_step() -> None:
    """Reaction is the first new replica; pods of before the step are not scheduled by it."""
    before = Pod(created_s=0, scheduled_s=1, ready_s=2)
    at = STEADY_SECONDS + 20.0
    new = [Pod(created_s=at, scheduled_s=at + wait, ready_s=at + wait + 4) for wait in (0.5, 1, 2)]
    seen = summary(1, [_app(10, before, *new), _app(14, before)], [Moment(0, 2, 2)], {"etcd": Usage(1, 2)})
    assert (seen.reaction_p50_s, seen.reaction_max_s, seen.wanted_s, seen.ready_s) == (12, 14, 20, 26)
    assert seen.scheduled_per_s == pytest.approx(3 / 1.5)
    assert (seen.scheduling_p50_s, seen.pods, seen.autoscalers) == (1, 5, 2)
