from pathlib import Path
from typing import Any

import pytest
import yaml

_ROOT = Path(__file__).resolve().parents[2]
_WORKFLOWS = sorted((_ROOT / ".github/workflows").glob("*.yml"))


def _steps(path: Path) -> list[dict[str, Any]]:
    jobs = yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"].values()
    return [step for job in jobs for step in job["steps"]]


@pytest.mark.parametrize("path", _WORKFLOWS, ids=lambda path: path.stem)
def test_every_action_is_pinned_by_its_commit(path: Path) -> None:
    """A tag can be moved to other code; a commit can't."""
    used = [step["uses"] for step in _steps(path) if "uses" in step]
    assert used
    assert all(len(name.partition("@")[2]) == 40 for name in used)


@pytest.mark.parametrize("path", _WORKFLOWS, ids=lambda path: path.stem)
def test_go_is_the_one_that_the_modules_ask_for(path: Path) -> None:
    """setup-go forbids Go to fetch another (GOTOOLCHAIN=local), so it must be told the whole version."""
    for step in _steps(path):
        if step.get("uses", "").startswith("actions/setup-go@"):
            assert step["with"]["go-version-file"] == "k8s/components/go.mod"
            assert "go-version" not in step["with"]
