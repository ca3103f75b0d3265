"""An application with none of our code, on the local cluster: the chart alone lets it scale and lose no request."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes import client

from k8s.client.waiting import NotInTimeError, wait_until
from loadtests.measure import Answers, Load, Request, Stage, open_load
from tests.e2e import foreign_app
from tests.e2e.helm import finish
from tests.e2e.load import SECONDS
from tests.e2e.own_release import OwnRelease

pytestmark = pytest.mark.e2e

AT_MOST_SECONDS = 600
FEWEST, MOST = 2, 4
# Requests a second: what the fewest bear of their 40 each, and what asks for all.
STEADY, BURST = 45, 120
ASKED = Request("/", name="read")
# CPU is out of the way, and the fleet shrinks soon.
QUICK: dict[str, Any] = {
    "autoscaling": {
        "cpu": {"targetUtilizationPercent": 1000},
        "behavior": {
            "scaleDown": {
                "stabilizationWindowSeconds": 5,
                "policies": [{"type": "Percent", "value": 100, "periodSeconds": 5}],
            }
        },
    },
}
# What keeps requests from a pod that does not listen, yet or any more, and what tries another one.
PROTECTION = ("lifecycle", "readinessProbe", "startupProbe")
NO_RETRIES = {"routing": {"attempts": 1}}
# What then costs requests each time. The end of a replica that had few of them may cost none.
SABOTAGED = ("restart", "pod deleted", "pod killed", "scale out", "upgrade")
KILLED_SHARE = 0.001
UNSCALED_SECONDS = 60


@pytest.fixture(scope="module")
def release(api: client.ApiClient, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnRelease]:
    """The application, brought up by the commands of the README within ten minutes."""
    release = OwnRelease(api, foreign_app.NAME)
    release.name = foreign_app.NAME
    started = time.monotonic()
    try:
        foreign_app.bring_up(foreign_app.lay_out(tmp_path_factory.mktemp("empty")))
        assert time.monotonic() - started < AT_MOST_SECONDS
        yield release
    finally:
        release.remove()


@pytest.fixture
def prepared(release: OwnRelease, request: pytest.FixtureRequest) -> OwnRelease:
    """The same at its fewest replicas; with --sabotage without what protects requests."""
    sabotaged = request.config.getoption("--sabotage")
    upgrade(release, {**QUICK, **(NO_RETRIES if sabotaged else {})})
    if sabotaged:
        removals = [{"op": "remove", "path": f"/spec/template/spec/containers/0/{name}"} for name in PROTECTION]
        release.kubectl("patch", "deployment", release.deployment, "--type=json", "--patch", json.dumps(removals))
    release.wait_for_rollout()
    release.wait_for_replicas(FEWEST, seconds=120)
    return release


def upgrade(release: OwnRelease, values: dict[str, Any]) -> None:
    """`helm upgrade` with further values."""
    release.helm("upgrade", release.name, "chart", "--reuse-values", "--values=-", "--wait", values=values)


def test_it_is_ready_behind_the_ingress_after_three_commands(release: OwnRelease) -> None:
    """From an empty folder to an answer by three commands, and no object of the release has "users" in it."""
    assert len(foreign_app.commands()) == 3
    assert release.ready() >= FEWEST

    def answer() -> str:
        return finish("curl", "--silent", "--show-error", "--fail", foreign_app.URL).stdout

    assert json.loads(wait_until(answer, bool, 20, "an answer through the Ingress")) == {"hello": "world"}
    objects = [found for found in yaml.safe_load_all(release.helm("get", "manifest", release.name)) if found]
    assert "ScaledObject" in {found["kind"] for found in objects}
    assert "users" not in json.dumps(objects).lower()


def test_no_request_fails_whatever_happens_to_its_pods(
    prepared: OwnRelease, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """It scales on the Ingress' rate alone, and none fails in that, a restart, an upgrade, or as a pod is killed."""
    release = prepared
    marks: list[tuple[float, str]] = []
    seen: list[Load] = []
    phases: dict[str, Callable[[], None]] = {
        "restart": lambda: _restart(release),
        "pod deleted": lambda: _delete(release),
        "pod killed": lambda: _delete(release, "--grace-period=0", "--force"),
        "scale out": lambda: _scale_out(release, _asking(tmp_path / "burst", BURST, seen)),
        "scale in": lambda: release.wait_for_replicas(FEWEST, seconds=120),
        "upgrade": lambda: upgrade(release, {"app": {"config": {"COLOUR": "blue"}}}),
    }
    with _asking(tmp_path / "steady", STEADY, seen):
        for name, happens in phases.items():
            marks.append((time.time(), name))
            happens()
        time.sleep(2)
    ends = [*(since for since, _ in marks[1:]), time.time()]
    answers = Answers(answer for load in seen for answer in load.answers())
    during = {name: answers.between(since, end) for (since, name), end in zip(marks, ends, strict=True)}
    failed = {name: len(each.failed) for name, each in during.items()}
    assert all(during.values())
    if request.config.getoption("--sabotage"):
        assert all(failed[name] for name in SABOTAGED), failed
        _without_the_rate(release, _asking(tmp_path / "unseen", BURST, seen))
        return
    # An end without grace may cost what is under way, however few come before and after.
    assert failed.pop("pod killed") <= len(answers) * KILLED_SHARE
    assert not any(failed.values()), [(a.at_s - marks[0][0], a.status, a.error) for a in answers.failed]


@contextmanager
def _asking(folder: Path, rate: int, seen: list[Load]) -> Iterator[None]:
    """Ask at a constant rate while the block lasts, and note among `seen` who does."""
    environment = {"BASE_URL": foreign_app.URL}
    with open_load(folder, [Stage(rate, SECONDS)], requests=[ASKED], environment=environment, max_vus=100) as load:
        seen.append(load)
        yield


def _restart(release: OwnRelease) -> None:
    release.kubectl("rollout", "restart", f"deployment/{release.deployment}")
    release.wait_for_rollout()


def _delete(release: OwnRelease, *how: str) -> None:
    """Delete a pod, and wait until there is another in its place."""
    victim = release.serving_pods()[0].name
    release.kubectl("delete", "pod", victim, "--wait=false", *how)

    def others() -> set[str]:
        return {pod.name for pod in release.serving_pods()} - {victim}

    wait_until(others, lambda names: len(names) == FEWEST, 60, f"{FEWEST} other pods")


def _scale_out(release: OwnRelease, burst: AbstractContextManager[None]) -> None:
    with burst:
        wait_until(release.ready, lambda count: count == MOST, 120, f"{MOST} replicas ready")


def _without_the_rate(release: OwnRelease, burst: AbstractContextManager[None]) -> None:
    """The same load adds no replica in the time that it took, where nobody asks who counts it."""
    upgrade(release, {"autoscaling": {"requestRate": {"source": "none"}}})
    with burst, pytest.raises(NotInTimeError):
        wait_until(release.ready, lambda count: count > FEWEST, UNSCALED_SECONDS, "more replicas")
