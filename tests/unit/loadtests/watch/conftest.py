from collections.abc import Iterator
from pathlib import Path

import pytest

from loadtests.watch import ApiServer, Release, View
from tests.unit.loadtests.watch.replay import Replay


@pytest.fixture
def replay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Replay]:
    """Serve what a real cluster answered at the peak of a ramp."""
    with Replay("peak").serving() as replay:
        monkeypatch.setattr(
            "kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(replay.kubeconfig(tmp_path / "config"))
        )
        yield replay


@pytest.fixture
def view(replay: Replay) -> View:  # noqa: ARG001 - it answers
    """Look at it, through the client that a real cluster is looked at with."""
    api = ApiServer("recorded", "monitoring/prometheus:9090")
    return View(api, Release("recorded", "users-api", "users-api"), window_seconds=20)
