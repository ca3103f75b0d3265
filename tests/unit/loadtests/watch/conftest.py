from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from k8s.client.api import connect
from k8s.client.application import USERS_API
from k8s.client.prometheus import Prometheus
from k8s.client.release import Release
from loadtests.watch import View
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
def api(replay: Replay) -> Any:  # noqa: ANN401, ARG001 - the client has no types; the replay answers
    """Connect to it as to a real cluster."""
    return connect("recorded", retries=0)


@pytest.fixture
def release(api: Any) -> Release:  # noqa: ANN401 - likewise
    """Give the release in it."""
    return Release(api, USERS_API.namespace, USERS_API.release)


@pytest.fixture
def view(api: Any, release: Release) -> View:  # noqa: ANN401 - likewise
    """Look at the release."""
    return View("recorded", release, Prometheus(api, USERS_API.prometheus), window_seconds=20)
