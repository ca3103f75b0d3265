import importlib
from pathlib import Path

from loadtests.chaos.left_out import WHY, left_out
from loadtests.chaos.offered import OFFERED
from loadtests.chaos.wish import NAMES
from tests.chaos.experiment import Experiment

FOLDER = Path(__file__).parents[3] / "chaos"


def _experiments() -> dict[str, Experiment]:
    """All that `tests/chaos` has, by name."""
    modules = [f"tests.chaos.{path.relative_to(FOLDER).with_suffix('')}" for path in FOLDER.rglob("test_*.py")]
    named = [value for name in modules for value in vars(importlib.import_module(name.replace("/", "."))).values()]
    return {each.name: each for each in named if isinstance(each, Experiment)}


def test_each_experiment_is_offered_or_left_out_with_its_reason() -> None:
    """What is done to the users API is done to any application, or it is said why it is not; and once."""
    left = [name for names in WHY.values() for name in names]
    assert sorted([*left, *NAMES]) == sorted(_experiments())
    assert tuple(each.name for each in OFFERED) == NAMES
    assert left_out()["redis-full"].startswith("does not apply: it needs redis.enabled")
