from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from loadtests.errors import LoadTestError
from loadtests.measure import Generator
from loadtests.simulate.settings import values
from loadtests.tune import command
from loadtests.tune.offer import Step, Target
from loadtests.tune.sizing import Stated
from loadtests.tune.tuning import Tuning
from loadtests.tune.usage import UsageRecorder
from loadtests.tune.wish import Wish

CAPACITY = 100
WISH = Wish(
    stated=Stated(1000, 100),
    target=Target("http://localhost:1", "token"),
    values=values(),
    first_rate=20,
    reaction_seconds=30,
)


class _Release:
    """Two replicas, as nothing scales them, of which the cluster knows what they use."""

    name, namespace, deployment = "shop", "north", "shop"

    def serving_pods(self) -> list[object]:
        return []

    def find_autoscaler(self) -> None:
        return None

    def ready(self) -> int:
        return 2

    wanted = ready


class _Replicas:
    """In place of the load: holds what is below the capacity, and of k6 a tenth less, for as long as a step asks."""

    long_enough = True

    def __init__(self, target: Target, replicas: Callable[[], int], folder: Path) -> None:
        self.target, self.count, self.folder = target, replicas(), folder
        self.steps: list[Step] = []

    def step(self, rate: float, seconds: float | None = None, generator: Generator = Generator.STEADY) -> Step:
        capacity = 0.9 * CAPACITY if generator == Generator.K6 else CAPACITY
        held = rate <= capacity and (seconds is None or self.long_enough)
        reason = "" if held else "p95 99 ms"
        self.steps.append(Step(rate, self.count, 100, 10 if held else 99, 0, 0, held, reason, generator))
        return self.steps[-1]


def _tune(monkeypatch: pytest.MonkeyPatch, output: Path, wish: Wish = WISH) -> Tuning:
    release: Any = _Release()
    monkeypatch.setattr(command, "require_answer", lambda *_: None)
    monkeypatch.setattr(command, "Offer", _Replicas)
    monkeypatch.setattr(UsageRecorder, "cpu_millicores", 60.0)
    monkeypatch.setattr(UsageRecorder, "memory_mebibytes", 71.0)
    return command.tune(None, release, wish, output)


def test_what_a_replica_holds_becomes_values(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The search, then the target for longer, and from both the values; each step is told as it comes."""
    found = _tune(monkeypatch, tmp_path)
    assert found.capacity.rate == pytest.approx(CAPACITY, rel=0.04)
    assert found.by_k6 == pytest.approx(0.9 * CAPACITY, rel=0.04)
    assert found.confirmed.rate == found.target < CAPACITY
    assert found.confirmed.generator == Generator.K6
    written = yaml.safe_load((tmp_path / "values.yaml").read_text())
    assert written["autoscaling"]["requestRate"]["targetPerReplica"] == found.target
    # 60m at the target is as much more at capacity as that is above it.
    used = 60 * found.capacity.low / found.target
    assert int(written["resources"]["requests"]["cpu"].removesuffix("m")) == pytest.approx(used, abs=10)
    said = capsys.readouterr().out
    assert "not held: p95 99 ms" in said
    assert f"{tmp_path}/values.yaml" in said


def test_a_target_that_is_not_held_for_a_minute_fails(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The values are written for who looks, and the command fails with the reason."""
    monkeypatch.setattr(_Replicas, "long_enough", False)
    with pytest.raises(LoadTestError, match="not held for a minute: p95 99 ms"):
        _tune(monkeypatch, tmp_path)
    assert "it was not held" in (tmp_path / "tune.md").read_text()
