import json
from pathlib import Path

import pytest

from k8s.cluster import docker

_INFO = {"Architecture": "aarch64", "CgroupVersion": "2", "DockerRootDir": "/var/lib/docker", "MemTotal": 8 << 30}


def _stub(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    path = folder / "docker"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))


@pytest.mark.parametrize(("said", "meant"), [("aarch64", "aarch64"), ("arm64", "aarch64"), ("x86_64", "x86_64")])
def test_an_engine_is_asked_what_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str, meant: str) -> None:
    """Its architecture is told as Linux calls it, whatever the host's is."""
    _stub(tmp_path, monkeypatch, f"echo '{json.dumps(_INFO | {'Architecture': said})}'")
    assert docker.ask() == docker.Answer("", meant, 2, "/var/lib/docker", 8 << 30)


@pytest.mark.parametrize("script", ["echo no such daemon >&2; exit 1", 'echo \'{"ServerErrors": ["no such daemon"]}\''])
def test_no_engine_is_told_in_its_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Whether docker fails or answers with errors."""
    _stub(tmp_path, monkeypatch, script)
    assert docker.ask().trouble == "no such daemon"


def test_without_the_command_that_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No docker is no engine, and no image, and nothing fails on the way."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert docker.ask().trouble == "there is no docker command"
    assert not docker.is_there("image")
    assert docker.image_of("container") == ""


_TIMEOUT = "net/http: TLS handshake timeout"


def test_a_timeout_is_tried_a_second_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One lost packet decides nothing."""
    _stub(tmp_path, monkeypatch, f'[ -f {tmp_path}/once ] || {{ >{tmp_path}/once; echo "{_TIMEOUT}" >&2; exit 1; }}')
    assert docker.why_not_pulled("image") == ""


@pytest.mark.parametrize(("said", "pulls"), [(_TIMEOUT, 2), ("toomanyrequests", 1), ("no such host", 1)])
def test_why_not_is_in_dockers_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str, pulls: int) -> None:
    """An answer is taken at once, a second timeout as well."""
    _stub(tmp_path, monkeypatch, f'echo pull >>{tmp_path}/calls; echo "{said}" >&2; exit 1')
    assert docker.why_not_pulled("image") == said
    assert len((tmp_path / "calls").read_text().split()) == pulls
