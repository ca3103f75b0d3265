import os
import subprocess
from pathlib import Path

import pytest

from k8s.cluster.steps import StepError, Steps
from tests import debian_root, pythons
from tests.debian_root import ROOT
from tests.pythons import Interpreter, Pythons


def _script(path: Path, text: str) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pythons:
    """Pythons of a host that has 3.12, whose uv can fetch 3.13, and that is Debian, as root."""
    have = f'[ "$2" = cache ] || grep -qx "$5" {tmp_path}/have && echo "/opt/$5/python"'
    fetch = f'[ "$4" = 3.13 ] && echo 3.13 >> {tmp_path}/have || {{ echo "no such host" >&2; false; }}'
    wheels = f"echo {tmp_path}/wheels"
    (tmp_path / "have").write_text("3.12\n")
    uv = _script(
        tmp_path / "bin/uv", f'case "$1 $2" in "python find") {have};; "python install") {fetch};; *) {wheels};; esac'
    )
    _script(tmp_path / "bin/mmdebstrap", 'for last; do :; done; mkdir "$last"')
    monkeypatch.setattr(pythons, "UV", uv)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(debian_root, "_NEEDED", ("mmdebstrap",))
    monkeypatch.setenv("PATH", f"{tmp_path}/bin", prepend=":")
    return Pythons(tmp_path / "cache", Steps(tmp_path / "steps"))


@pytest.mark.parametrize("version", ["3.12", "3.13"])
def test_a_python_that_the_host_has_or_uv_fetches_runs_as_it_is(found: Pythons, version: str) -> None:
    """Nothing of Debian's is installed for a version that is there already, or that uv can fetch."""
    assert found.find(version) == Interpreter(f"/opt/{version}/python")


@pytest.mark.parametrize(("name", "release"), [("3.14", "forky"), ("trixie", "trixie")])
def test_what_uv_cannot_fetch_debian_has(found: Pythons, tmp_path: Path, name: str, release: str) -> None:
    """A release that has the version, or that is named, is installed once, and its Python called inside of it."""
    folder = tmp_path / "cache/debian" / release
    interpreter = found.find(name)
    assert interpreter.path == f"/usr/bin/python{debian_root.RELEASES[release]}"
    assert interpreter.inside[:3] == ("bash", str(ROOT / "tests/in-debian.sh"), str(folder))
    (folder / "mark").touch()
    assert found.find(name) == interpreter
    assert (folder / "mark").exists()


@pytest.mark.parametrize(("name", "why"), [("3.15", "no such host; Debian: no release has it"), ("3.14", "needs root")])
def test_what_is_not_to_be_had_says_what_was_tried(
    found: Pythons, monkeypatch: pytest.MonkeyPatch, name: str, why: str
) -> None:
    """The answers of uv and of Debian are in the message."""
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(StepError, match=why):
        found.find(name)


def test_without_mmdebstrap_its_package_is_named(found: Pythons, monkeypatch: pytest.MonkeyPatch) -> None:
    """A host that lacks the program hears what installs it."""
    monkeypatch.setattr(debian_root, "_NEEDED", ("no-such-program",))
    with pytest.raises(StepError, match="no no-such-program"):
        found.find("trixie")


def test_a_command_inside_sees_the_folders_that_it_was_given(tmp_path: Path) -> None:
    """They are mounted where the host has them, and the command starts in the first."""
    for name in ("mount", "chroot"):
        _script(tmp_path / "bin" / name, f'echo {name} "$@"')
    root, first, second = (tmp_path / name for name in ("root", "first", "second"))
    first.mkdir()
    second.touch()
    command = ("bash", ROOT / "tests/in-debian.sh", root, first, second, "--", "python3", "-c", "a b")
    environment = {"PATH": f"{tmp_path}/bin:{os.environ['PATH']}", "IN_DEBIAN": "yes"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    *mounts, last = done.stdout.splitlines()
    assert mounts[-2:] == [f"mount --rbind {folder} {root}{folder}" for folder in (first, second)]
    assert (root / second.relative_to("/")).is_file()
    assert last.startswith(f"chroot {root} env --chdir={first} PATH=")
    assert last.endswith("python3 -c a b")
