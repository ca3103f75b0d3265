import csv
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from k8s.client.application import PROMETHEUS, Application
from k8s.client.autoscaler import Autoscaler, Target
from k8s.client.prometheus import Prometheus
from k8s.client.prometheus import Sample as Rate
from k8s.client.recorder import Moment
from k8s.client.release import Release
from loadtests.errors import LoadTestError
from loadtests.ramp import Ramp
from loadtests.timeline import timeline
from loadtests.timeline.k6_output import K6Output
from loadtests.timeline.plot import plot
from loadtests.timeline.record import Record
from loadtests.timeline.sample import Sample, write_csv
from loadtests.timeline.table import table
from loadtests.timeline.verdict import reasons_to_fail
from tests import http_server
from tests.http_server import Quiet
from tests.unit.k8s.client.api_server import serving

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
BEGAN_S = 1000.2
AUTOSCALER = Autoscaler("keda-api", 2, 8, 3, 2, (Target("cpu", 40, 80, "%"),), {}, None)


class _Service(Quiet, BaseHTTPRequestHandler):
    """Answers each GET."""

    asked: ClassVar[set[str]] = set()

    def do_GET(self) -> None:
        self.asked.add(self.path)
        self.send_response(200)
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"{}")


class RecordedPrometheus(Prometheus):
    """Has a rate of each second, and counts how often it was asked for the newest."""

    def __init__(self, *rates: float) -> None:
        super().__init__(None, "")
        self._rates = rates
        self.asked = 0

    def value(self, promql: str) -> float:
        """Give the last."""
        assert 'pod=~"users-' in promql
        self.asked += 1
        return self._rates[-1]

    def query_range(self, promql: str, from_s: float, to_s: float, step_seconds: float) -> list[Rate]:
        """Give them from the first second asked for."""
        assert 'pod=~"users-' in promql
        assert to_s > from_s
        return [Rate({}, tuple((from_s + at * step_seconds, rate) for at, rate in enumerate(self._rates)))]


def _recorded(moments: list[Moment], path: Path, prometheus: Prometheus | None = None) -> Record:
    counters = 'requests{pod=~"users-.*"}'
    return Record(moments, K6Output(path / "k6.csv"), prometheus or RecordedPrometheus(10, 20, 30), counters)


def _moment(second: float, ready: int = 2, autoscaler: Autoscaler | None = AUTOSCALER) -> Moment:
    return Moment(BEGAN_S + second, 2, ready, (), autoscaler)


def _record(*replicas: tuple[int, int]) -> list[Sample]:
    return [
        Sample(second, desired, ready, rps=12.345, cpu_percent=40, p95_ms=None, failed_total=0)
        for second, (desired, ready) in enumerate(replicas)
    ]


def test_csv_has_the_columns_and_leaves_the_unknown_empty(tmp_path: Path) -> None:
    """The file has seven named columns, one digit after the point, and nothing where nothing is known."""
    path = tmp_path / "timeline.csv"
    write_csv(_record((2, 2)), path)
    with path.open() as file:
        rows = list(csv.reader(file))
    assert rows == [
        ["time_s", "desired", "ready", "rps", "cpu_percent", "p95_ms", "failed_total"],
        ["0", "2", "2", "12.3", "40", "", "0"],
    ]


@pytest.mark.parametrize(
    ("replicas", "reasons"),
    [
        ([(2, 2), (6, 4), (6, 6), (2, 2)], []),
        ([(2, 2), (6, 5), (2, 2)], ["replicas ready went to 5 only"]),
        ([(2, 2), (6, 6), (2, 3)], ["replicas did not come back to 2"]),
        ([(2, 2), (4, 4)], ["replicas ready went to 4 only", "replicas did not come back to 2"]),
        ([], ["nothing was recorded"]),
    ],
)
def test_verdict_wants_what_the_ramp_asks_for_and_back(replicas: list[tuple[int, int]], reasons: list[str]) -> None:
    """So many must have been ready, and the minimum wanted and ready at the end."""
    found = reasons_to_fail(_record(*replicas), Ramp(210, minimum=2, replicas=6))
    assert [reason.startswith(start) for reason, start in zip(found, reasons, strict=True)] == [True] * len(reasons)


def test_table_shows_each_change_of_the_replicas() -> None:
    """Besides every nth second a row stands where the replicas changed, and for the last second."""
    samples = _record((2, 2), (2, 2), (4, 2), (4, 2), (4, 4), (4, 4), (4, 4))
    shown = [line.split()[0] for line in table(samples, every_seconds=5).splitlines()[1:]]
    assert shown == ["0s", "2s", "4s", "5s", "6s"]


def test_plot_is_a_picture(tmp_path: Path) -> None:
    """A record with gaps becomes a PNG."""
    path = tmp_path / "timeline.png"
    plot(_record((2, 2), (4, 2), (4, 4)), path, load_ended_s=1)
    assert path.read_bytes().startswith(PNG_SIGNATURE)


def test_each_second_has_what_cluster_k6_and_prometheus_say_of_it(tmp_path: Path) -> None:
    """A second that the cluster did not tell of is left out, and of a second seen twice the last look counts."""
    csv_of_k6 = "metric_name,timestamp,metric_value\nhttp_req_duration,1000,7\nhttp_req_failed,1002,1\n"
    (tmp_path / "k6.csv").write_text(csv_of_k6)
    moments = [_moment(0), _moment(1, autoscaler=None), _moment(1.9), _moment(2.1, ready=3)]
    assert _recorded(moments, tmp_path).samples() == [
        Sample(0, 3, 2, rps=10, cpu_percent=40, p95_ms=7, failed_total=0),
        Sample(2, 3, 3, rps=30, cpu_percent=40, p95_ms=None, failed_total=1),
    ]
    assert _recorded([], tmp_path).samples() == []


def test_the_newest_is_the_last_moment_with_the_rate_of_now(tmp_path: Path) -> None:
    """Before the first moment there is none, and nobody is asked for its rate."""
    prometheus = RecordedPrometheus(10, 20, 30)
    moments: list[Moment] = []
    recorded = _recorded(moments, tmp_path, prometheus)
    assert (recorded.newest(), prometheus.asked) == (None, 0)
    moments += [_moment(0), _moment(1, ready=3)]
    assert recorded.newest() == Sample(1, 3, 3, rps=30, cpu_percent=40, p95_ms=None, failed_total=0)
    assert prometheus.asked == 1


def test_without_a_counter_there_is_no_rate(tmp_path: Path) -> None:
    """Prometheus is not asked, and all else is recorded."""
    prometheus = RecordedPrometheus()
    recorded = Record([_moment(0)], K6Output(tmp_path / "k6.csv"), prometheus, None)
    assert recorded.samples() == [recorded.newest()]
    assert recorded.samples()[0].rps is None
    assert prometheus.asked == 0


def test_the_end_is_level_once_the_minimum_has_lasted(tmp_path: Path) -> None:
    """Wanted and ready must have been the minimum for five looks, none of them unknown."""
    at_minimum = replace(AUTOSCALER, desired=2)
    level = [_moment(second, autoscaler=at_minimum) for second in range(5)]
    assert _recorded(level, tmp_path).is_level(2)
    assert not _recorded(level[1:], tmp_path).is_level(2)
    for other in (_moment(5, autoscaler=None), _moment(5), _moment(5, ready=3, autoscaler=at_minimum)):
        assert not _recorded([*level, other], tmp_path).is_level(2)


def test_a_ramp_ends_when_the_load_has_and_the_replicas_are_back(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A short load on a release that stays at its minimum is recorded to its end, written, and found wanting.

    It is another application's, which counts no requests.
    """
    asked: set[str] = set()
    service = type("_Asked", (_Service,), {"asked": asked})
    application = Application("quiet", "api", read="/items/7", file="app.yaml")
    ramp = {f"{part}_SECONDS": "1" for part in ("BASE", "RISE", "HOLD", "FALL", "COOL")}
    with http_server.serving(ThreadingHTTPServer(("127.0.0.1", 0), service)) as base_url, serving() as api:
        environment = {"BASE_URL": base_url, "TOKEN": "test-token", "RATE_PEAK": "40", "READ": "/items/7", **ramp}
        release, prometheus = Release(api, "quiet", "api"), Prometheus(api, PROMETHEUS)
        found = timeline(release, prometheus, environment, tmp_path / "out", application)
    assert "req/s does not apply: app.yaml says nothing of metrics.requests" in capsys.readouterr().out
    assert asked == {"/items/7"}
    assert found.reasons[0].startswith("replicas ready went to 1 only")
    assert any(sample.p95_ms is not None for sample in found.samples)
    assert len((tmp_path / "out" / "timeline.csv").read_text().splitlines()) == len(found.samples) + 1
    assert (tmp_path / "out" / "timeline.png").exists()


@pytest.mark.parametrize("peak", ["0", "many", "1e3"])
def test_a_peak_that_is_no_number_is_refused(peak: str, tmp_path: Path) -> None:
    """The error says what to set instead, before anything is sent."""
    service = type("_Asked", (_Service,), {"asked": set()})
    with http_server.serving(ThreadingHTTPServer(("127.0.0.1", 0), service)) as base_url, serving() as api:
        environment = {"BASE_URL": base_url, "TOKEN": "test-token", "RATE_PEAK": peak}
        release, prometheus = Release(api, "quiet", "api"), Prometheus(api, PROMETHEUS)
        with pytest.raises(LoadTestError, match=f"RATE_PEAK is '{peak}': set it to"):
            timeline(release, prometheus, environment, tmp_path)
