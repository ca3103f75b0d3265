import hashlib
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
PATTERNS = [
    line.split()[0]
    for line in (ROOT / ".gitattributes").read_text().splitlines()
    if "linguist-generated" in line and not line.startswith("#")
]
# sha256 of the text as the Apache Software Foundation publishes it, its white space apart.
APACHE_2 = "0ffddef9e48f8a09aed5caf2d44f7ba1c1be2d9b8e0a6f693b1635b2d5566645"


def test_one_licence_is_named_everywhere() -> None:
    """LICENSE is the text of the Apache License 2.0, whole, and package and chart name that one."""
    words = " ".join((ROOT / "LICENSE").read_text().split())
    assert hashlib.sha256(words.encode()).hexdigest() == APACHE_2
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert (project["license"], project["license-files"]) == ("Apache-2.0", ["LICENSE"])
    chart = yaml.safe_load((ROOT / "chart" / "Chart.yaml").read_text())
    assert chart["annotations"]["artifacthub.io/license"] == "Apache-2.0"


@pytest.mark.parametrize("pattern", PATTERNS)
def test_each_pattern_of_generated_files_has_some(pattern: str) -> None:
    """No line of .gitattributes is about files that have gone."""
    listed = subprocess.run(
        ["git", "ls-files", "--", ":(glob)" + pattern.removeprefix("/")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert listed.stdout


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "SECURITY.md", "k8s/README.md"])
def test_what_a_newcomer_reads_is_there(name: str) -> None:
    """Each has a title and says something."""
    title, *text = (ROOT / name).read_text().splitlines()
    assert title.startswith("# ")
    assert len(text) > 10
