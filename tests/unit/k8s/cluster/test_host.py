from pathlib import Path

import pytest

from k8s.cluster import host


def test_without_proc_nothing_is_lacking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On macOS the limits are those of the engine's machine, which is none of ours."""
    monkeypatch.setattr(host, "_ROOT", tmp_path)
    assert host.bounding_set() >> host.CAP_SYS_RESOURCE & 1
    assert host.low_inotify_limits() == []


def test_a_root_without_a_capability_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What most sandboxes take from root is told from the kernel's own mask."""
    monkeypatch.setattr(host, "_ROOT", tmp_path)
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/status").write_text(f"Name:\tx\nCapBnd:\t{(1 << 41) - 1 - (1 << 24):016x}\n")
    assert not host.bounding_set() >> host.CAP_SYS_RESOURCE & 1


def test_enough_is_not_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only what is too low for three nodes is named."""
    monkeypatch.setattr(host, "_ROOT", tmp_path)
    folder = tmp_path / "proc/sys/fs/inotify"
    folder.mkdir(parents=True)
    (folder / "max_user_instances").write_text("8192\n")
    (folder / "max_user_watches").write_text("65536\n")
    assert host.low_inotify_limits() == ["fs.inotify.max_user_watches=524288"]


def test_a_folder_that_may_not_be_looked_into_may_be_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine's folder lies in one of root's as a rule; whoever asks about space there is no root."""
    assert host.is_there(tmp_path)
    assert not host.is_there(tmp_path / "none")
    assert not host.is_there(Path(__file__) / "none")

    def refuse(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "stat", refuse)
    assert host.is_there(tmp_path)
