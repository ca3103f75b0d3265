import json
import re
import sys
from pathlib import Path

import pytest

from k8s.client.application import PROMETHEUS, Application, Metrics
from k8s.client.prometheus import Prometheus
from k8s.client.release import Release
from loadtests.__main__ import main
from loadtests.errors import LoadTestError
from loadtests.watch import View, watch
from loadtests.watch.glyphs import BARS
from tests.unit.loadtests.watch.replay import Replay


def test_once_prints_plain_text(view: View, capsys: pytest.CaptureFixture[str]) -> None:
    """Every panel is there in words and numbers, with no escape code and nothing drawn."""
    watch(view, once=True)
    printed = capsys.readouterr().out
    for title in ("Replicas", "Pods", "Autoscaler", "Requests", "Inside", "Events"):
        assert f"\n{title}\n" in printed
    assert "5 ready, 5 wanted, of 2 to 8" in printed
    assert not set(printed) & {*BARS, "\x1b"}


def test_once_has_the_database(view: View, replay: Replay, capsys: pytest.CaptureFixture[str]) -> None:
    """Breakers, statements, connections and how far the replica is behind; and what is wrong with them, if anything."""
    replay.play_database()
    watch(view, once=True)
    printed = capsys.readouterr().out
    assert re.search(r"database closed in 2, [\d.]+/s, p95 [\d.]+ ms\n +0 of 32 in use, 0\.0s behind\n", printed)
    for series in next(answer for path, answer in replay.answers.items() if path.endswith("/query"))["data"]["result"]:
        match series["metric"]["part"]:
            case "primary":
                series["value"][1] = "0"
            case "in_use" | "connections":
                series["value"][1] = "16"
            case "behind":
                series["metric"]["part"] = "shed"
                series["value"][1] = "3"
    watch(view, once=True)
    printed = capsys.readouterr().out
    assert "database OPEN in 2 of 2" in printed
    assert "16 of 16 in use, 3.0/s turned away\n" in printed


def test_once_fails_with_what_to_do_when_the_release_is_missing(
    view: View, replay: Replay, capsys: pytest.CaptureFixture[str]
) -> None:
    """It says so once, and prints no panel of pods that are not there."""
    del replay.answers["/apis/apps/v1/namespaces/users-api/deployments"]["items"][0]
    with pytest.raises(LoadTestError, match="`make install` installs it") as raised:
        watch(view, once=True)
    assert str(raised.value).count("no release users-api") == 1
    assert capsys.readouterr().out == "users-api/users-api on recorded\n"


def test_a_deployment_by_another_name_is_watched(
    view: View, replay: Replay, capsys: pytest.CaptureFixture[str]
) -> None:
    """A release that the chart gave another name to, by fullnameOverride, has the same panels."""
    name = "users-api"
    text = json.dumps({path: answer for path, answer in replay.answers.items() if not path.startswith("/apis/keda")})
    replay.answers = json.loads(text.replace(f'"name": "{name}"', '"name": "people"').replace(f'"{name}-', '"people-'))
    watch(view, once=True)
    printed = capsys.readouterr().out
    assert "5 ready, 5 wanted, of 2 to 8" in printed
    for title in ("Pods", "Autoscaler", "Requests", "Events"):
        assert f"\n{title}\n" in printed
    assert "none" not in printed.partition("\nEvents\n")[2]


@pytest.mark.usefixtures("replay")
@pytest.mark.parametrize(
    "case",
    [
        ("{}", ["rate", "latency", "cache, limiter, breaker, database"], []),
        ("{requests: http_requests_total}", ["status", "latency"], ["rate", "cache   "]),
        ("{requests: a, status: b, duration: c}", ["cache, limiter, breaker, database"], ["rate", "status", "latency"]),
    ],
)
def test_once_says_what_another_application_has_no_series_of(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    case: tuple[str, list[str], list[str]],
) -> None:
    """Each figure that it does not name has the key that would bring it, and all else is shown."""
    metrics, absent, there = case
    app = tmp_path / "app.yaml"
    app.write_text(f"namespace: users-api\nrelease: users-api\nmetrics: {metrics}\n")
    monkeypatch.setattr(sys, "argv", ["loadtests", "watch", "--context", "recorded", "--once", "--app", str(app)])
    assert main() == 0
    printed = capsys.readouterr().out
    for what in absent:
        assert f"\n  {what} does not apply: app.yaml says nothing of metrics." in printed
    for what in there:
        assert f"\n  {what} does not apply" not in printed
    assert "5 ready, 5 wanted, of 2 to 8" in printed
    assert "scraped " in printed


def test_the_summary_says_what_was_never_seen(release: Release) -> None:
    """A rate that nobody counts is no rate of 0."""
    application = Application("users-api", "users-api", metrics=Metrics("http_requests_total"), file="app.yaml")
    view = View("recorded", release, Prometheus(None, PROMETHEUS), 20, application)
    view.fleet.refresh()
    view.remember(view.fleet)
    rate, p95 = view.history.summary().splitlines()[2:]
    assert rate.startswith(
        "requests: 0.0/s at most; failed (5xx): does not apply: app.yaml says nothing of metrics.sta"
    )
    assert p95.startswith("p95: does not apply: app.yaml says nothing of metrics.duration")


def test_once_says_that_prometheus_is_missing(view: View, replay: Replay) -> None:
    """Replicas don't need Prometheus, and its absence has a name of its own."""
    replay.answers = {path: answer for path, answer in replay.answers.items() if "query" not in path}
    with pytest.raises(LoadTestError, match=r"no answer from Prometheus: .* --prometheus names its Service"):
        watch(view, once=True)
    assert view.fleet.value is not None


def test_unknown_context_ends_with_status_1(
    replay: Replay, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """There is one line on stderr that says how to get a cluster, and no traceback."""
    assert replay.answers
    monkeypatch.setattr(sys, "argv", ["loadtests", "watch", "--context", "elsewhere"])
    assert main() == 1
    printed = capsys.readouterr().err
    assert printed.startswith("error: no cluster")
    assert "`make kind-up`" in printed
    assert printed.count("\n") == 1


def test_cluster_that_refuses_connections_ends_with_status_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A kubeconfig that outlived its cluster gets the same advice."""
    config = Replay("idle").kubeconfig(tmp_path / "config")
    monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(config))
    monkeypatch.setattr(sys, "argv", ["loadtests", "watch", "--context", "recorded", "--once"])
    assert main() == 1
    assert "Connection refused): `make kind-up` brings one" in capsys.readouterr().err


def test_without_a_terminal_it_points_to_once(view: View) -> None:
    """A pipe gets no screen control."""
    with pytest.raises(LoadTestError, match="--once"):
        watch(view)


def test_picture_is_an_svg_that_asks_nobody(view: View, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The screen is kept with its words, without a font from elsewhere."""
    path = tmp_path / "docs" / "watch.svg"
    watch(view, picture_path=path, seconds=3)
    svg = path.read_text()
    assert svg.startswith("<svg")
    assert "wanted" in svg
    assert "url(" not in re.sub(r"url\(#[\w-]+\)", "", svg)
    assert f"written: {path}" in capsys.readouterr().out
