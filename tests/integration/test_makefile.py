"""What `make` does on a host that has less than a developer's, before it downloads anything."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[2]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout without a virtual environment, and with nothing to install."""
    folder = tmp_path / "checkout"
    script = Path("k8s/cluster/virtual-environment.sh")
    (folder / script).parent.mkdir(parents=True)
    for name in (Path("Makefile"), script):
        shutil.copy(ROOT / name, folder / name)
    (folder / "requirements-dev.lock").touch()
    return folder


def _make(checkout: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["make", *arguments], cwd=checkout, capture_output=True, text=True, check=False)


def _script(path: Path, text: str) -> Path:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def test_the_cluster_comes_up_where_the_hosts_python_has_no_pip(checkout: Path, tmp_path: Path) -> None:
    """The virtual environment is made first, and what fetches wheels runs in it and finds pip there."""
    bare = tmp_path / "bare"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", bare], check=True)
    python = bare / "bin" / "python"
    assert subprocess.run([python, "-m", "pip", "--version"], capture_output=True, check=False).returncode != 0
    (checkout / "k8s" / "cluster" / "__main__.py").write_text(
        "import sys, pip\nprint('in', sys.prefix, 'with', pip.__name__)\n"
    )
    ended = _make(checkout, "kind-up", f"PYTHON={python}")
    assert ended.returncode == 0, ended.stderr
    assert f"in {checkout / '.venv'} with pip" in ended.stdout


@pytest.mark.parametrize("target", ["up", "test", "dev", "kind-up", "image"])
def test_an_old_python_is_named_first(checkout: Path, tmp_path: Path, target: str) -> None:
    """A Python that says it is older (a stand-in here) ends every target with what to do, before anything else runs."""
    old = _script(tmp_path / "python3.9", "exit 1")
    ended = _make(checkout, target, f"PYTHON={old}")
    assert ended.returncode != 0
    assert f"error: Python 3.11 or newer is needed, {old} is none" in ended.stderr
    assert not (checkout / ".venv").exists()


def test_a_missing_venv_is_named_with_its_package(checkout: Path, tmp_path: Path) -> None:
    """A Python without venv (a stand-in here) ends with the name of Debian's package."""
    no_venv = _script(tmp_path / "python3", f'case "$1 $2" in "-m venv") exit 1;; esac; exec {sys.executable} "$@"')
    ended = _make(checkout, "kind-up", f"PYTHON={no_venv}")
    assert ended.returncode != 0
    assert "python{}.{}-venv".format(*sys.version_info) in ended.stderr
