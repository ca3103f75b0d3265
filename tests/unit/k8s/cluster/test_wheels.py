import sys
from pathlib import Path

import pytest

from k8s.cluster import python
from k8s.cluster.steps import Steps
from k8s.cluster.wheels import Wheels

_PIP = '#!/bin/sh\necho "$*" >>"$(dirname "$0")/calls"\n'


def test_wheels_are_of_the_engines_architecture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Mac's engine runs Linux on aarch64, as wheels call it; what is there for one, or a Python, is for no other."""
    (tmp_path / "python").write_text(_PIP)
    (tmp_path / "python").chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setattr("platform.machine", lambda: "arm64")
    folders = {name: Wheels(tmp_path, Steps(tmp_path), name).service() for name in ("aarch64", "x86_64")}
    assert len(set(folders.values())) == len(folders)
    for architecture, call in zip(folders, (tmp_path / "calls").read_text().splitlines(), strict=True):
        platforms = [word for word in call.split() if word.startswith("--platform=")]
        assert platforms
        assert all(word.endswith(f"_{architecture}") for word in platforms)
        assert f"--python-version={python.VERSION} " in call
    monkeypatch.setattr(python, "VERSION", "3.99")
    assert Wheels(tmp_path, Steps(tmp_path), "x86_64").service() != folders["x86_64"]
