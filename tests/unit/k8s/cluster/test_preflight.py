import shutil
import socket
from pathlib import Path

import pytest

from k8s.cluster import host, preflight
from k8s.cluster.docker import Answer
from k8s.cluster.modules import go_version
from k8s.cluster.steps import StepError

_ENGINE = Answer("", "x86_64", 2, "/var/lib/docker")


def _go(folder: Path, monkeypatch: pytest.MonkeyPatch, version: str, toolchain: str) -> None:
    (folder / "go").write_text(f"#!/bin/sh\necho go{version}\necho {toolchain}\n")
    (folder / "go").chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))


def test_a_host_with_all_that_is_needed_passes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is said where tools, space and ports are there."""
    monkeypatch.setattr(preflight, "_ports", list)
    preflight.check(tmp_path, "auto", _ENGINE, cluster_exists=False, built=True)


def test_a_full_disk_names_what_is_needed_and_where_to_move(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Too little space is told in GiB, with the variable that moves the cache; Go's own caches count too."""
    monkeypatch.setattr(host, "free_bytes", lambda _path: 1 << 30)
    monkeypatch.setattr(host, "disk", lambda _path: 1)
    _go(tmp_path, monkeypatch, "1.999.0", "local")
    with pytest.raises(StepError, match=r"1\.0 GiB are free .* 30 GiB are needed.*CACHE_DIR .* GOCACHE"):
        preflight.check(tmp_path, "build", _ENGINE, cluster_exists=True, built=False)


def test_each_disk_is_looked_at_for_what_is_to_lie_on_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine keeps its images where it is set up to, which CACHE_DIR does not move."""
    engine = Answer("", "x86_64", 2, str(tmp_path / "engine/docker"), 8 << 30)
    (tmp_path / "engine").mkdir()
    monkeypatch.setattr(host, "disk", lambda path: len(path.parts))
    monkeypatch.setattr(host, "free_bytes", lambda path: (1 if "docker" in path.parts else 100) << 30)
    with pytest.raises(StepError, match=r"engine/docker, 7 GiB are needed: .*`data-root`") as raised:
        preflight.check(tmp_path, "pull", engine, cluster_exists=True, built=False)
    assert "CACHE_DIR" not in str(raised.value)


def test_the_readme_says_what_is_needed() -> None:
    """The figures that people read are those that are checked."""
    pulled, built = preflight.TOOLS_BYTES + preflight.PULL_BYTES, preflight.BUILD_BYTES + preflight.GO_BYTES
    memory, *disk = (f"{size >> 30} GiB" for size in (preflight.MEMORY_BYTES, pulled, built))
    words = " ".join((Path(__file__).parents[4] / "README.md").read_text(encoding="utf-8").split())
    assert f"It takes {memory} of memory, and of disk {disk[0]} where images are pulled and {disk[1]} where" in words


@pytest.mark.parametrize(("kernel", "remedy"), [("Linux", "close what you can spare"), ("Darwin", "Docker Desktop")])
def test_an_engine_with_too_little_memory_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kernel: str, remedy: str
) -> None:
    """Docker Desktop's may have far less than the host; a cluster that is there is left alone."""
    monkeypatch.setattr("platform.system", lambda: kernel)
    monkeypatch.setattr(preflight, "_ports", list)
    engine = Answer("", "aarch64", 2, "/var/lib/docker", 4 << 30)
    with pytest.raises(StepError, match=rf"engine has 4\.0 GiB of memory, 6 GiB are needed: {remedy}"):
        preflight.check(tmp_path, "pull", engine, cluster_exists=False, built=True)
    preflight.check(tmp_path, "pull", engine, cluster_exists=True, built=True)


@pytest.mark.parametrize(("kernel", "command"), [("Linux", "ss -ltnp"), ("Darwin", "lsof -nP -iTCP")])
def test_a_busy_port_names_the_command_that_finds_its_owner(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kernel: str, command: str
) -> None:
    """A port of kind-config.yaml that is taken is told before anything is built, in the system's words."""
    monkeypatch.setattr("platform.system", lambda: kernel)
    config = tmp_path / "kind-config.yaml"
    with socket.socket() as owner:
        owner.bind(("127.0.0.1", 0))
        owner.listen()
        port = owner.getsockname()[1]
        config.write_text(f"hostPort: {port}\n", encoding="utf-8")
        monkeypatch.setattr(preflight, "CONFIG", config)
        with pytest.raises(StepError, match=rf"port {port} is taken .*{command}"):
            preflight.check(tmp_path, "auto", _ENGINE, cluster_exists=False, built=True)


@pytest.mark.parametrize("mode", ["build", "auto"])
def test_all_that_is_missing_is_told_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str) -> None:
    """Missing tools and space are one message, so that one reading is enough; only building needs Go."""
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    monkeypatch.setattr(preflight, "find_spec", lambda _name: None)
    monkeypatch.setattr(host, "free_bytes", lambda _path: 0)
    with pytest.raises(StepError) as raised:
        preflight.check(tmp_path, mode, Answer("no such daemon"), cluster_exists=True, built=False)
    for each in ("has no pip: run this by make", "GiB are free"):
        assert each in str(raised.value)
    assert ("no such daemon" in str(raised.value)) == (mode == "auto")
    assert ("go is missing" in str(raised.value)) == (mode == "build")


@pytest.mark.parametrize(
    ("version", "toolchain", "passes"),
    [
        (go_version(), "local", True),
        ("1.999.0", "local", True),
        ("1.24.4", "auto", True),
        ("1.24.4", "local", False),
        ("1.20.14", "auto", False),
    ],
)
def test_an_old_go_passes_where_it_fetches_the_right_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, version: str, toolchain: str, passes: bool
) -> None:
    """Go 1.21 and newer do, unless GOTOOLCHAIN forbids it, as setup-go and some distributions set it."""
    _go(tmp_path, monkeypatch, version, toolchain)
    if passes:
        preflight.check(tmp_path, "build", _ENGINE, cluster_exists=True, built=True)
    else:
        with pytest.raises(StepError, match=rf"go is {version}, and {go_version()} is needed: .*GOTOOLCHAIN=auto"):
            preflight.check(tmp_path, "build", _ENGINE, cluster_exists=True, built=True)


@pytest.mark.parametrize(("checkout", "passes"), [("users-api", True), (".src/users-api", False), ("/srv/a", False)])
def test_a_checkout_that_snaps_docker_cannot_read_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, checkout: str, passes: bool
) -> None:
    """A snap reads what is in a home and not hidden there; the images' contexts are in the checkout."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(preflight, "_CHECKOUT", tmp_path / checkout)
    snap = Answer("", "x86_64", 2, "/var/snap/docker/common/var-lib-docker")
    if passes:
        preflight.check(tmp_path, "auto", snap, cluster_exists=True, built=True)
    else:
        with pytest.raises(StepError, match=r"Snap's Docker reads nothing in .*: move this checkout"):
            preflight.check(tmp_path, "auto", snap, cluster_exists=True, built=True)
