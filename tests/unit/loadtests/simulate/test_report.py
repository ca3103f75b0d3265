import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from k8s.simulation import Usage
from loadtests.simulate import plot, report
from loadtests.simulate.account import Outcome
from loadtests.simulate.comparison import Comparison
from loadtests.simulate.fidelity import Fidelity
from loadtests.simulate.fleet import App, Pod
from loadtests.simulate.pod_model import PodModel, Served
from loadtests.simulate.record import Record
from loadtests.simulate.scale import Moment, Scale
from loadtests.simulate.scenarios import scenarios
from loadtests.simulate.settings import settings

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
KUBERNETES = {
    "scaleUp": {"policies": [{"type": "Pods", "value": 4, "periodSeconds": 15}]},
    "scaleDown": {
        "stabilizationWindowSeconds": 300,
        "policies": [{"type": "Percent", "value": 100, "periodSeconds": 15}],
    },
}


def _outcome(pod_hours: float, over_capacity: float, seconds: float | None) -> Outcome:
    return Outcome(pod_hours, 1e6, over_capacity, 0, 0, 10, seconds)


def _record(flash: Mapping[str, Outcome], scale: Scale | None = None) -> Record:
    chosen = scenarios(quick=True)
    compared = [each for each in settings(KUBERNETES) if each.name in flash]
    apps = {
        (scenario.name, setting.name): [
            App("app", setting, part.rates, Served(part.rates, 1000), {"a": Pod(0, 0, 0)}, [(0.0, 1)])
            for part in scenario.slices
        ]
        for scenario in chosen
        for setting in compared
    }
    same = {name: _outcome(10, 0, None) for name in flash}
    seen = Fidelity(100, 15.2, 17.0, 0.5, 2.0, 60.0)
    machine = {"cores": 2, "load_average_1m": 0.1, "revision": "1234567"}
    outcomes = {"day": same, "flash": flash}
    comparison = Comparison(PodModel(154, 250), chosen, compared, apps, outcomes, 15, ["a: 20 s as 15 s"], seen)
    return Record(machine, comparison, scale)


@pytest.fixture
def scale() -> Scale:
    """Give a run of 100 nodes."""
    usage = {"etcd": Usage(cpu_seconds=10, peak_rss_bytes=200 * 2**20)}
    moments = [Moment(0, 62, 62), Moment(30, 1000, 500), Moment(40, 1000, 1000)]
    return Scale(100, 1000, 10, 12, 15, 75, 90, 50, 100, 0.02, 0.5, usage, moments)


def test_defaults_that_nothing_beats_stay() -> None:
    """A cheaper setting that misses more is no better."""
    text = report.markdown(_record({"chart": _outcome(10, 100, 60), "conservative": _outcome(9, 900, None)}))
    assert "nothing beats the chart's defaults without losing to them somewhere" in text
    assert "| **conservative behavior** | 9.0 | 900 | 0.09 % | 0 | 0.0 | 10 | never |" in text


def test_repetitions_show_how_far_to_trust_them() -> None:
    """What came again and again has its standard error beside it."""
    text = report.markdown(_record({"chart": replace(_outcome(10, 1000, 60), over_capacity_error=250)}))
    assert "| 1,000 ± 250 |" in text


def test_what_beats_the_defaults_is_named() -> None:
    """A setting that is the same on one scenario and better on the other is better."""
    record = _record({"chart": _outcome(10, 100, 60), "eager": _outcome(10, 50, 30)})
    assert record.better_than_defaults == ["eager"]
    assert "the chart's default is not among those that no other beats (chart, up tenfold at once)" in report.markdown(
        record
    )


def test_the_report_says_what_was_run(scale: Scale) -> None:
    """Settings in words, the scale, and how far to trust it with what was rounded."""
    text = report.markdown(_record({"kubernetes": _outcome(10, 100, 60), "chart": _outcome(10, 100, 60)}, scale))
    assert "| Kubernetes' behavior | 4 pods/15 s | 100 %/15 s, after 300 s | 65 % | 60/15 s |" in text
    assert "## 100 nodes, 1,000 pods" in text
    assert "| etcd | 10 | 200 |" in text
    assert "Rounded to whole seconds: a: 20 s as 15 s" in text


def test_the_record_is_json(scale: Scale) -> None:
    """Every figure is in it, under its name."""
    record = _record({"chart": _outcome(10, 100, 60)}, scale)
    read = json.loads(json.dumps(record.as_json()))
    assert read["outcomes"]["flash"]["chart"]["share_over"] == 0.0001
    assert read["scale"]["usage"]["etcd"]["cpu_seconds"] == 10


@pytest.mark.parametrize("with_scale", [True, False])
def test_the_picture_is_drawn(tmp_path: Path, scale: Scale, *, with_scale: bool) -> None:
    """With a row for each scenario, and one for the scale if it was run."""
    record = _record({"chart": _outcome(10, 100, 60)}, scale if with_scale else None)
    plot.draw(record, tmp_path / "simulate.png")
    assert (tmp_path / "simulate.png").read_bytes().startswith(PNG_SIGNATURE)
