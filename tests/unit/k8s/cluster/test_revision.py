import subprocess
from pathlib import Path

import pytest

from k8s.cluster.revision import revision

AS_ANYONE = ("-c", "user.name=anyone", "-c", "user.email=anyone@example.com")


def git(folder: Path, *arguments: str) -> str:
    """Run git on a folder."""
    command = ("git", *AS_ANYONE, *arguments)
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with a program and a document."""
    for name in ("program.py", "docs/figures.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("one\n")
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "--message", "Begin")
    return tmp_path


def test_a_clean_checkout_is_its_commit(checkout: Path) -> None:
    """Without a change it is the commit, by twelve digits."""
    assert revision(checkout) == git(checkout, "rev-parse", "HEAD")[:12]


def test_a_changed_program_is_told(checkout: Path) -> None:
    """A file that differs makes it dirty, staged or not."""
    (checkout / "program.py").write_text("two\n")
    assert revision(checkout).endswith("-dirty")
    git(checkout, "add", ".")
    assert revision(checkout).endswith("-dirty")


def test_written_figures_change_nothing(checkout: Path) -> None:
    """What a measurement has written into the documents makes the next one no other."""
    before = revision(checkout)
    (checkout / "docs/figures.md").write_text("two\n")
    assert revision(checkout) == before


def test_no_checkout_has_no_revision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Outside a checkout, and without git, it is unknown."""
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert revision(tmp_path) == "unknown"
    monkeypatch.setenv("PATH", str(tmp_path))
    assert revision(tmp_path) == "unknown"
