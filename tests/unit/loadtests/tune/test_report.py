import json
from pathlib import Path

import pytest
import yaml

from loadtests.measure import Generator
from loadtests.tune.offer import Step
from loadtests.tune.report import values_file, write
from loadtests.tune.search import Capacity
from loadtests.tune.sizing import Measured, Stated, Value, cpu, memory, replicas, target_per_replica
from loadtests.tune.tuning import Tuning
from loadtests.tune.usage import startup_seconds, used

STATED = Stated(1000, 100)
MEASURED = Measured(196, 30, "as stated", cpu_millicores=412, memory_mebibytes=71)
STEPS = [
    Step(100, 2, 800, 12.5, 0, 0, held=True, reason=""),
    Step(250, 2, 2000, 90, 1, 0, held=False, reason="p95 90 ms", generator=Generator.K6),
]


def _tuning(*, is_enough: bool = True) -> Tuning:
    values = [
        target_per_replica(STATED, MEASURED),
        *cpu(STATED, MEASURED),
        *memory(MEASURED),
        *replicas(STATED, MEASURED),
    ]
    capacity = Capacity((196, 200, 204), is_enough)
    return Tuning("shop", "`GET /`", 50, capacity, 188.5, STEPS, STEPS[0], STATED, MEASURED, values)


def test_the_values_are_for_helm_with_their_reasons(tmp_path: Path) -> None:
    """The file is YAML of the chart's form, and the page has each value and step; the plot is a picture."""
    tuning = _tuning()
    write(tuning, tmp_path)
    values = yaml.safe_load((tmp_path / "values.yaml").read_text())
    assert values["autoscaling"]["requestRate"]["targetPerReplica"] == tuning.target
    assert values["resources"] == {"requests": {"cpu": "420m", "memory": "96Mi"}, "limits": {"memory": "192Mi"}}
    text, page = (tmp_path / "values.yaml").read_text(), (tmp_path / "tune.md").read_text()
    for each in tuning.values:
        assert f"# {each.reason}\n" in text
        assert f"| `{each.path}` | {each.value} | {each.reason} |" in page
    assert "| 100.0 | steady | 2 | 800 | 12.5 | 0 | yes |" in page
    assert "| 250.0 | k6 | 2 | 2,000 | 90.0 | 1 | no: p95 90 ms |" in page
    assert "With k6 a round found\n188.5." in page
    assert f"{tuning.pod_hours:,.1f} pod-hours" in page
    assert json.loads((tmp_path / "tune.json").read_text())["capacity"]["rounds"] == [196, 200, 204]
    assert (tmp_path / "tune.png").read_bytes().startswith(b"\x89PNG")


def test_a_spread_that_stayed_wide_is_said(tmp_path: Path) -> None:
    """Rounds that do not agree are no capacity to rely on."""
    write(_tuning(is_enough=False), tmp_path)
    assert "is the machine busy?" in (tmp_path / "tune.md").read_text()


def test_a_truth_is_yamls() -> None:
    """A value that is no number is as YAML has it."""
    assert values_file([Value("a.b", value=True, reason="so")]) == "a:\n  # so\n  b: true\n"


@pytest.mark.parametrize(("names", "expected"), [(["api", "proxy"], (0.25, 2**20)), (["web", "proxy"], (0.5, 2**21))])
def test_usage_is_of_the_charts_container(names: list[str], expected: tuple[float, float]) -> None:
    """Requests are those of the container `api`; of a pod without one all are added up."""
    pod = {"containers": [{"name": name, "usage": {"cpu": "250m", "memory": "1Mi"}} for name in names]}
    assert used(pod) == expected


def test_the_start_is_of_pods_that_are_ready() -> None:
    """Without any nothing is known of it."""
    assert startup_seconds([]) is None
