import shutil
import socket
from pathlib import Path

import pytest

from k8s.cluster import host, preflight
from k8s.cluster.steps import StepError


def test_a_host_with_all_that_is_needed_passes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is said where tools, space and ports are there."""
    monkeypatch.setattr(preflight, "_ports", list)
    preflight.check(tmp_path, build=False, cluster_exists=False, built=True)


def test_a_full_disk_names_what_is_needed_and_where_to_move(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Too little space is told in GiB, with the variable that moves the cache."""
    monkeypatch.setattr(host, "free_bytes", lambda _path: 1024**3)
    with pytest.raises(StepError, match=r"1\.0 GiB are free .* 15 GiB are needed.*CACHE_DIR"):
        preflight.check(tmp_path, build=True, cluster_exists=True, built=False)


def test_a_busy_port_names_the_command_that_finds_its_owner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A port of kind-config.yaml that is taken is told before anything is built."""
    config = tmp_path / "kind-config.yaml"
    with socket.socket() as owner:
        owner.bind(("127.0.0.1", 0))
        owner.listen()
        port = owner.getsockname()[1]
        config.write_text(f"hostPort: {port}\n", encoding="utf-8")
        monkeypatch.setattr(preflight, "CONFIG", config)
        with pytest.raises(StepError, match=rf"port {port} is taken .*ss -ltnp"):
            preflight.check(tmp_path, build=False, cluster_exists=False, built=True)


def test_all_that_is_missing_is_told_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Missing tools and space are one message, so that one reading is enough."""
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    monkeypatch.setattr(preflight, "find_spec", lambda _name: None)
    monkeypatch.setattr(host, "free_bytes", lambda _path: 0)
    with pytest.raises(StepError) as raised:
        preflight.check(tmp_path, build=False, cluster_exists=True, built=False)
    for word in ("has no pip: run this by make", "go is missing", "docker is missing", "GiB are free"):
        assert word in str(raised.value)
