"""The experiments with an application, under a load of k6's, with a stand-in for its cluster."""

import functools
import itertools
import json
import os
import signal
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from k8s.client.application import Application
from k8s.client.prometheus import Prometheus
from k8s.client.release import Release
from loadtests.chaos import experiments, nodes, planned_pods, run
from loadtests.chaos.command import chaos
from loadtests.chaos.site import Site
from loadtests.chaos.wish import NAMES, Extent, Wish
from loadtests.errors import LoadTestError
from loadtests.interruption import sigterm_as_interrupt
from loadtests.measure import open_load
from tests import http_server
from tests.chaos_cluster import Cluster, serving
from tests.http_server import Quiet

pytestmark = pytest.mark.integration

READ = "/items/{id}"


class _Shop(Quiet, BaseHTTPRequestHandler):
    """Answers all but each so many-th request."""

    protocol_version = "HTTP/1.1"
    numbers = itertools.count(1)
    fails_each = 0

    def do_GET(self) -> None:
        """Answer without a body."""
        number = next(self.numbers)
        self.send_response(503 if self.fails_each and not number % self.fails_each else 200)
        self.send_header("content-length", "0")
        self.end_headers()


@pytest.fixture
def url(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Where the application answers; pods that are replaced at once need no patience."""
    monkeypatch.setattr(experiments, "SECONDS_EACH", 0.5)
    monkeypatch.setattr(experiments, "CALM_SECONDS", 1.2)  # a look of the recorder
    monkeypatch.setattr(planned_pods, "RESTART_SECONDS", Extent(2, short=1))
    monkeypatch.setattr(nodes, "PERIOD_SECONDS", 0.01)
    # `make test` runs this when nothing else wants the CPU, which may be not at all for longer than a client waits.
    monkeypatch.setattr(run, "open_load", functools.partial(open_load, timeout_seconds=120))
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Shop)
    server.daemon_threads = True  # k6 keeps connections
    server.block_on_close = False
    with http_server.serving(server) as address:
        yield address


def _site(release: Release, url: str, **wish: Any) -> Site:  # noqa: ANN401 - of a wish
    application = Application("shop", "shop", url=url, read=READ, ids=9)
    variables = {"BASE_URL": url, "TOKEN": "", "READ": READ, "USERS": "9"}
    wished = Wish(**{"short": True, "rate": 20, **wish})
    return Site(release, Prometheus(None, "no/prometheus:1"), application, variables, wished)


def _record(folder: Path) -> Any:  # noqa: ANN401 - JSON
    return json.loads((folder / "shop" / "shop" / "chaos.json").read_text())


def _bounds(cluster: Cluster) -> tuple[int, int]:
    spec = cluster.scalers[0]["spec"]
    return spec["minReplicas"], spec["maxReplicas"]


def test_a_release_is_harmed_and_left_as_it_was(url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each experiment that applies is done under load and kept, and bounds, cordon and replicas are put back."""
    cluster = Cluster(2, scaled=(1, 6))
    with serving(cluster) as release:
        chaos(_site(release, url, yes=True, drain=True), tmp_path)
        names = {pod.name for pod in release.api_pods()}
    record = _record(tmp_path)
    done = {each["name"]: each for each in record["experiments"]}
    assert list(done) == [name for name in NAMES if name != "step"]
    for name, each in done.items():
        assert each["held"], name
        assert each["requests"] > 0
        assert each["figures"]["failed"] == 0
        assert json.loads((tmp_path / "shop" / "shop" / f"{name}.json").read_text()).items() <= each.items()
    assert done["scaling"]["figures"]["most replicas ready"] == 4
    assert record["does_not_apply"]["step"].startswith("does not apply: a step begins at the fewest replicas, 1")
    assert record["does_not_apply"]["upgrade-new-image"].startswith("does not apply: ")
    assert _bounds(cluster) == (1, 6)
    assert all(node["spec"] == {} for node in cluster.nodes.values())
    assert len(names) == 2
    assert not {"shop-1", "shop-2"} & names
    said = capsys.readouterr().out
    assert "Deployment shop of release shop in namespace shop, 2 replicas, reached at" in said
    assert "| 2 | scaling | 0 failed while the autoscaler goes from 2 replicas to 4 and back" in said


def test_what_clients_saw_fail_breaks_the_promise(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command fails with the experiment's name, and the record says how requests ended."""
    monkeypatch.setattr(_Shop, "fails_each", 5)
    monkeypatch.setattr(_Shop, "numbers", itertools.count(1))
    with (
        serving(Cluster(2)) as release,
        pytest.raises(LoadTestError, match="1 of 1 promises not kept: rolling-restart"),
    ):
        chaos(_site(release, url, yes=True, only=("rolling-restart",)), tmp_path)
    (result,) = _record(tmp_path)["experiments"]
    assert not result["held"]
    assert result["figures"]["ended 503"] == result["failed"] > 0
    assert "missed: failed: " in capsys.readouterr().out


def test_what_is_interrupted_is_put_back(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SIGTERM, as Ctrl-C, gives the autoscaler its bounds back, ends the load, and leaves a record."""
    cluster = Cluster(2, scaled=(1, 6))

    def interrupted(_: Release, *_arguments: object, **_options: object) -> None:
        seen.append(_bounds(cluster))
        os.kill(os.getpid(), signal.SIGTERM)

    seen: list[tuple[int, int]] = []
    monkeypatch.setattr(Release, "wait_for_replicas", interrupted)
    with serving(cluster) as release, pytest.raises(KeyboardInterrupt), sigterm_as_interrupt():
        chaos(_site(release, url, yes=True, only=("scaling",)), tmp_path)
    assert seen == [(4, 4)]
    assert _bounds(cluster) == (1, 6)
    (result,) = _record(tmp_path)["experiments"]
    assert (result["name"], result["held"], result["figures"]["broken off"]) == ("scaling", False, 1)


@pytest.mark.parametrize(
    ("cluster", "wish", "why"),
    [
        (Cluster(2), {}, r"nothing was done: --yes \(YES=1 of make\) does it"),
        (Cluster(1), {"yes": True, "only": ("pod-deleted", "step")}, "nothing of what was asked for applies"),
    ],
)
def test_nothing_is_done_unless_told_and_fit(url: str, tmp_path: Path, cluster: Cluster, wish: Any, why: str) -> None:  # noqa: ANN401 - of a wish
    """Without a yes, what would be done is said alone."""
    with serving(cluster) as release, pytest.raises(LoadTestError, match=why):
        chaos(_site(release, url, **wish), tmp_path)
    assert cluster.told == []
    assert list(tmp_path.iterdir()) == []


def test_what_is_broken_already_is_not_harmed(url: str, tmp_path: Path) -> None:
    """A release that misses pods is sent to the doctor."""
    cluster = Cluster(2)
    cluster.deployment["metadata"]["generation"] = 2
    with serving(cluster) as release:
        cluster.pods[0]["metadata"]["deletionTimestamp"] = cluster.pods[0]["metadata"]["creationTimestamp"]
        with pytest.raises(LoadTestError, match="in namespace shop is not whole, and nothing is done to it"):
            chaos(_site(release, url, yes=True), tmp_path)
    assert cluster.told == []
