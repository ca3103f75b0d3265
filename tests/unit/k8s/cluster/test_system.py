from pathlib import Path

import pytest

from k8s.cluster import docker, system


@pytest.mark.parametrize(
    ("kernel", "installer", "words"),
    [
        ("Linux", "apt-get", "sudo apt-get install docker.io"),
        ("Linux", "dnf", "sudo dnf install moby-engine"),
        ("Linux", "pacman", "https://docs.docker.com/engine/install"),
        ("Darwin", "brew", "brew install --cask docker-desktop"),
    ],
)
def test_a_remedy_is_in_the_systems_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kernel: str, installer: str, words: str
) -> None:
    """What is missing is installed by the command that this system has for it."""
    (tmp_path / installer).write_text("#!/bin/sh\n")
    (tmp_path / installer).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("platform.system", lambda: kernel)
    assert words in docker.remedy("there is no docker command")


def test_only_debian_as_root_installs_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody's password is asked for, and no other system is changed."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("os.geteuid", lambda: 0)
    assert not system.is_debian_as_root()
    (tmp_path / "apt-get").write_text("#!/bin/sh\n")
    (tmp_path / "apt-get").chmod(0o755)
    assert system.is_debian_as_root()
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert not system.is_debian_as_root()
