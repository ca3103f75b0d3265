import re
from pathlib import Path

import pytest
import yaml

from tests.chart.conftest import ROOT

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_actions_are_pinned_by_commit(path: Path) -> None:
    """Each action is named by a full commit, with its version beside it."""
    used = [line for line in path.read_text().splitlines() if "uses:" in line]
    assert used
    assert not [line for line in used if not re.search(r"uses: [\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$", line)]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_workflows_may_do_no_more_than_they_say(path: Path) -> None:
    """The token can read the repository, and each job names what more it needs."""
    workflow = yaml.safe_load(path.read_text())
    assert workflow["permissions"] == {"contents": "read"}
    assert all(job["timeout-minutes"] for job in workflow["jobs"].values())


def test_ci_runs_targets_that_the_makefile_has() -> None:
    """What CI makes is what anybody can make."""
    targets = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    scripts = "".join(path.read_text() for path in [*WORKFLOWS, ROOT / ".ci" / "run"])
    made = {
        target
        for line in re.findall(r"^\s*(?:- run: )?make ([a-z0-9 -]+)", scripts, re.MULTILINE)
        for target in line.split()
    }
    assert {"lint", "test", "test-code", "package"} <= made <= targets


def test_release_signs_both_and_builds_for_two_architectures() -> None:
    """The release is for amd64 and arm64, with SBOM and provenance, and image and chart are signed by digest."""
    text = (ROOT / ".github" / "workflows" / "release.yml").read_text()
    assert "platforms: linux/amd64,linux/arm64" in text
    assert "sbom: true" in text
    assert "provenance: mode=max" in text
    assert len(re.findall(r"cosign sign --yes \"\$\w+(/users-api)?@", text)) == 2
