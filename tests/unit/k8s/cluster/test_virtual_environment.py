"""The script that makes .venv, on doubles of systems: no such machine is where these tests run."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from k8s.cluster.descriptor import FOLDERS

_SCRIPT = FOLDERS / "cluster" / "virtual-environment.sh"
_OLD = 'case "$1" in -c) exit 1;; --version) echo "Python 3.9.6";; esac'
_NEW = 'case "$1 $2" in "-m venv") mkdir -p .venv; echo "$0" >.venv/made-by;; esac'
# As Debian's without python3-venv, and any without ensurepip.
_WITHOUT_PIP = (
    'case "$1 $2" in "-m venv") echo "ensurepip is not available"; exit 1;; *print*) echo python3.12-venv;; esac'
)
_WORDS = {
    "apt-get": "sudo apt-get install python3 python3-venv",
    "dnf": "sudo dnf install python3.12",
    "brew": "brew install python@3.13",
    "": "install one with your system's packages",
}


def _run(folder: Path, programs: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the script where those programs are, and of the rest only what it may use."""
    (folder / "bin").mkdir()
    kernel = "Darwin" if "brew" in programs else "Linux"
    for name, script in {"uname": f"echo {kernel}", **programs}.items():
        (folder / "bin" / name).write_text(f"#!/bin/sh\nPATH=/usr/bin:/bin\n{script}\n")
        (folder / "bin" / name).chmod(0o755)
    for name in ("head", "touch"):
        (folder / "bin" / name).symlink_to(f"/usr/bin/{name}")
    return subprocess.run(
        ("/bin/bash", str(_SCRIPT), *arguments),
        cwd=folder,
        env={"PATH": str(folder / "bin")},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("installer", _WORDS)
def test_an_old_python_is_named_with_what_to_install(tmp_path: Path, installer: str) -> None:
    """As Apple's 3.9: the user reads the version that is there, and the system's command for a newer one."""
    done = _run(tmp_path, {"python3": _OLD} | ({installer: ""} if installer else {}))
    assert done.returncode == 1
    assert "Python 3.11 or newer is needed, python3 is Python 3.9.6" in done.stderr
    assert _WORDS[installer] in done.stderr
    assert not (tmp_path / ".venv").exists()


def test_without_python_that_is_told(tmp_path: Path) -> None:
    """The script needs none to say so."""
    done = _run(tmp_path, {"apt-get": ""})
    assert done.returncode == 1
    assert "there is no python3: sudo apt-get install python3 python3-venv" in done.stderr


def test_a_python_that_is_none_is_told(tmp_path: Path) -> None:
    """As macOS's without its developer tools: not even its version can be asked."""
    done = _run(tmp_path, {"python3": "exit 1", "brew": ""})
    assert done.returncode == 1
    assert "python3 is none: brew install python@3.13" in done.stderr


def test_a_newer_python_beside_an_old_one_is_taken(tmp_path: Path) -> None:
    """As on macOS with Homebrew's, and on Ubuntu 22.04 with another than its own."""
    done = _run(tmp_path, {"python3": _OLD, "python3.12": _NEW, "brew": ""})
    assert done.returncode == 0
    assert (tmp_path / ".venv/made-by").read_text().strip().endswith("/python3.12")
    assert (tmp_path / ".venv/created").exists()


def test_the_named_python_is_taken_or_refused(tmp_path: Path) -> None:
    """No other one is tried than the one that make was given."""
    done = _run(tmp_path, {"python3": _NEW, "python3.9": _OLD, "apt-get": ""}, "python3.9")
    assert done.returncode == 1
    assert "python3.9 is Python 3.9.6" in done.stderr


@pytest.mark.parametrize(("installer", "package"), [("apt-get", "python3.12-venv"), ("dnf", "python3-pip")])
def test_a_python_without_pip_is_told_with_the_package(tmp_path: Path, installer: str, package: str) -> None:
    """Debian's and Ubuntu's own is called after the version, and its own words stand above."""
    done = _run(tmp_path, {"python3": _WITHOUT_PIP, installer: ""})
    assert done.returncode == 1
    assert "ensurepip is not available" in done.stderr
    assert package in done.stderr
    assert not (tmp_path / ".venv/created").exists()


def test_an_old_python_that_runs_the_cluster_is_told_before_anything_is_read() -> None:
    """The version is wrong before a syntax is: an interpreter that calls itself 3.9 ends with a sentence."""
    program = "import runpy, sys; sys.version_info = (3, 9, 6); runpy.run_module('k8s.cluster', run_name='__main__')"
    done = subprocess.run(
        (sys.executable, "-c", program), cwd=FOLDERS.parent, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr.startswith(f"error: Python 3.11 or newer is needed, and {sys.executable} is 3.9")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("package", ["", "cluster"])
def test_what_an_old_python_reads_is_of_its_syntax(package: str) -> None:
    """The files that are read up to the check are."""
    ast.parse((FOLDERS / package / "__init__.py").read_text(encoding="utf-8"), feature_version=(3, 4))


def test_make_runs_no_python_of_the_system_but_for_the_environment(tmp_path: Path) -> None:
    """Without .venv the cluster's commands are of the one that is made first, and that has pip."""
    for entry in FOLDERS.parent.iterdir():
        if entry.name not in (".venv", "build"):
            (tmp_path / entry.name).symlink_to(entry)
    for target in ("kind-up", "kind-down", "image", "logs", "install", "uninstall"):
        done = subprocess.run(
            ("make", "--dry-run", target),
            cwd=tmp_path,
            env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
            capture_output=True,
            text=True,
            check=True,
        )
        lines = done.stdout.splitlines()
        assert lines[0] == "bash k8s/cluster/virtual-environment.sh "
        assert all(".venv/bin/python -m k8s" in line for line in lines if "-m k8s" in line)
        assert not [line for line in lines if line.startswith("python3")]


def test_reading_the_makefile_runs_no_python(tmp_path: Path) -> None:
    """Where none is there yet, all that is said is the sentence that names it."""
    (tmp_path / "python3").write_text("#!/bin/sh\necho python3 was run >&2\n")
    (tmp_path / "python3").chmod(0o755)
    done = subprocess.run(
        ("make", "help"),
        cwd=FOLDERS.parent,
        env={"PATH": f"{tmp_path}:{os.environ['PATH']}", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
