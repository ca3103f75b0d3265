import argparse
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from loadtests.errors import LoadTestError
from loadtests.tune.offer import Step
from loadtests.tune.options import add_size_options
from loadtests.tune.plan import values_of
from loadtests.tune.report import write
from loadtests.tune.search import Capacity
from loadtests.tune.size import Node, needs, size
from loadtests.tune.sizing import Measured, Stated, Value, number, replicas, target_per_replica
from loadtests.tune.tuning import Tuning

GUIDE = Path(__file__).parents[4] / "docs/guides/sizing.md"
TARGET = "autoscaling.requestRate.targetPerReplica"


@pytest.fixture
def record(tmp_path: Path) -> Path:
    """What `tune` wrote of a replica that holds 330 requests a second."""
    stated, measured = Stated(1000, 100), Measured(330, 20, "as stated", cpu_millicores=400, memory_mebibytes=70)
    step = Step(330, 2, 800, 12.5, 0, 0, held=True, reason="")
    found = [target_per_replica(stated, measured), *replicas(stated, measured)]
    tuning = Tuning(
        "shop", "`GET /`", 50, Capacity((330, 330), is_enough=True), 330, [step], step, stated, measured, found
    )
    write(tuning, tmp_path / "tune")
    return tmp_path / "tune" / "tune.json"


@pytest.fixture
def sized(tmp_path: Path) -> Callable[..., list[Value]]:
    """Run the command with some options, for a peak of 3,000."""

    def run(*words: str) -> list[Value]:
        parser = argparse.ArgumentParser()
        add_size_options(parser)
        return size(parser.parse_args(["--peak", "3000", "--output", str(tmp_path / "size"), *words]))

    return run


def test_another_peak_needs_no_other_measurement(
    tmp_path: Path, record: Path, sized: Callable[..., list[Value]], capsys: pytest.CaptureFixture[str]
) -> None:
    """What `tune` measured once gives the values of any load, and how much of a cluster they take."""
    found = sized("--measured", str(record))
    assert number(found, TARGET) == 200  # 330 / 1.5 / 1.1
    assert number(found, "autoscaling.maxReplicas") == 16
    written = yaml.safe_load((tmp_path / "size" / "values.yaml").read_text())
    assert written["autoscaling"]["maxReplicas"] == 16
    assert written["resources"]["requests"]["cpu"] == "400m"
    page = (tmp_path / "size" / "size.md").read_text()
    assert "measured of shop" in page
    assert page in capsys.readouterr().out


def test_a_longer_reaction_takes_more_of_the_fewest(record: Path, sized: Callable[..., list[Value]]) -> None:
    """It is stated anew for another cluster; the rest of what was measured stays."""
    near, far = (sized("--measured", str(record), "--rise", "60", "--reaction", seconds) for seconds in ("10", "60"))
    assert number(near, "autoscaling.minReplicas") < number(far, "autoscaling.minReplicas")
    assert [each for each in near if each.path.startswith("resources")] == [
        each for each in far if each.path.startswith("resources")
    ]


def test_a_capacity_by_hand_says_nothing_of_cpu_and_memory(sized: Callable[..., list[Value]]) -> None:
    """They stay as the release has them, and the reaction is the sum of its links."""
    found = sized("--capacity", "330")
    assert number(found, TARGET) == 200
    assert not [each for each in found if each.path.startswith("resources")]


def test_nodes_are_said_where_it_is_said_what_one_has() -> None:
    """The scarcer of CPU and memory decides, those of a rollout included, and one node may be away."""
    values = values_of([])
    values["resources"] = {"requests": {"cpu": "500m"}, "limits": {"memory": "1Gi"}}
    values["strategy"]["maxSurge"] = "25%"
    most = [Value("autoscaling.maxReplicas", 10, "")]
    amounts = {name: amount for name, amount, _ in needs(values, most, Node(cores=2, gibibytes=2))}
    assert amounts == {"pods": "13", "CPU": "6.50 cores", "memory": "13.00 GiB", "nodes": "8"}
    assert [name for name, *_ in needs(values, most, Node())] == ["pods", "CPU", "memory"]
    values["resources"] = {}
    assert [name for name, *_ in needs(values, most, Node(cores=2))] == ["pods"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--measured", "nowhere.json"], "make tune` writes it"),
        (["--measured", "nowhere.json", "--capacity", "3"], "give one"),
        (["--capacity", "3", "--low", "4000"], "above --peak"),
    ],
)
def test_what_is_missing_or_contradicts_itself_is_said(
    sized: Callable[..., list[Value]], words: list[str], said: str
) -> None:
    """With what would do."""
    with pytest.raises(LoadTestError, match=said):
        sized(*words)


@pytest.mark.parametrize("text", ["", "[]", "{}", json.dumps({"measured": {"capacity": 1}, "release": "x"})])
def test_a_file_of_something_else_is_refused(tmp_path: Path, sized: Callable[..., list[Value]], text: str) -> None:
    """It is no record of `tune`."""
    (tmp_path / "other.json").write_text(text)
    with pytest.raises(LoadTestError, match="is no record of `make tune`"):
        sized("--measured", str(tmp_path / "other.json"))


def test_the_guides_example_is_what_the_command_says(
    sized: Callable[..., list[Value]], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Word for word, so that nobody follows arithmetic of another version."""
    command, said = re.findall(r"```(?:sh|markdown)\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    sized(*command.split()[4:], "--output", str(tmp_path))
    assert capsys.readouterr().out.partition("\nwritten: ")[0] == said
