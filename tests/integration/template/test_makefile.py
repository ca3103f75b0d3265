"""What `make` does in a project, with stand-ins for the template's repository, for Docker, kind and Helm."""

import os
from pathlib import Path

import pytest

from tests import template

pytestmark = pytest.mark.integration

# Says what it is asked for, as the tools would find it.
PLATFORM = """
kind-up kind-down alerts logs loadtest assess chaos:
	@echo "$@ APP=$(APP) SCRIPT=$(SCRIPT) PEAK=$(PEAK)"
"""
DOCKER = """
echo "docker $*"
case "$1" in build) echo sha256:0123456789abcdef0123 >"$3" ;; esac
"""
INSTALLED = (
    "helm --kube-context kind-local upgrade --install shop .platform/v1.0.0/chart --namespace shop --create-namespace"
    " --values .platform/v1.0.0/chart/values-app.yaml --values values.yaml --values values-kind.yaml"
    " --set-string image.tag=0123456789ab --wait --timeout 3m"
)


@pytest.fixture
def platform(tmp_path: Path) -> Path:
    """The template's repository, with what the project takes from it beside its files."""
    folder = tmp_path / "platform"
    folder.mkdir()
    (folder / "Makefile").write_text(PLATFORM)
    (folder / "kind-config.yaml").write_text("kind: Cluster\nname: local\n")
    return template.lay_out(folder)


@pytest.fixture
def project(platform: Path, tmp_path: Path) -> Path:
    """A project called shop."""
    return template.make_project(platform, tmp_path / "shop", project_name="Shop")


def _programs(folder: Path, **programs: str) -> str:
    """Write programs into a folder; returns a PATH that begins with it."""
    folder.mkdir()
    for name, text in programs.items():
        program = folder / name
        program.write_text(f"#!/bin/bash\n{text}")
        program.chmod(0o755)
    return f"{folder}:{os.environ['PATH']}"


def _make(project: Path, *arguments: str, **environment: str) -> list[str]:
    alone = {"MAKEFLAGS": "", "XDG_CACHE_HOME": str(project / "build" / "cache"), **environment}
    done = template.run("make", "--no-print-directory", "--silent", *arguments, cwd=project, more=alone)
    return done.stdout.splitlines()


def test_tools_are_those_of_the_templates_version(project: Path, platform: Path) -> None:
    """They are cloned once, at the version that the project has, and told of the project's application."""
    (platform / "Makefile").write_text("kind-up:\n\t@echo another version\n")
    template.commit(platform, "v2.0.0")
    app = f"APP={project}/app.yaml"
    assert _make(project, "kind-up") == ["kind-up APP= SCRIPT= PEAK="]
    assert _make(project, "loadtest", "SCRIPT=stress") == [f"loadtest {app} SCRIPT=stress PEAK="]
    platform.rename(platform.with_name("gone"))
    assert _make(project, "assess", "PEAK=9") == [f"assess {app} SCRIPT= PEAK=9"]
    assert _make(project, "chaos") == [f"chaos {app} SCRIPT= PEAK="]
    assert _make(project, "platform") == [".platform/v1.0.0"]


def test_up_builds_loads_and_installs(project: Path, tmp_path: Path) -> None:
    """`make up` brings up the cluster, and puts an image there whose tag is its content's, by the chart."""
    says = 'echo "$(basename "$0") $*"\n'
    path = _programs(tmp_path / "bin", docker=DOCKER, kind=says, helm=says)
    assert _make(project, "up", PATH=path) == [
        "kind-up APP= SCRIPT= PEAK=",
        "docker build --iidfile build/image-id --tag localhost/shop:latest .",
        "docker tag localhost/shop:latest localhost/shop:0123456789ab",
        "kind load docker-image localhost/shop:0123456789ab --name local",
        INSTALLED,
        "alerts APP= SCRIPT= PEAK=",
        "http://shop.localhost:8080/api/hello/world",
    ]


@pytest.mark.parametrize(
    ("source", "address"),
    [
        ("gh:owner/name", "https://github.com/owner/name"),
        ("gl:owner/name", "https://gitlab.com/owner/name"),
        ("git+https://example.com/name.git", "https://example.com/name.git"),
        ("git@example.com:owner/name.git", "git@example.com:owner/name.git"),
    ],
)
def test_an_address_is_what_copier_understands_by_it(project: Path, tmp_path: Path, source: str, address: str) -> None:
    """Copier's short forms are cloned from where Copier does, and what cannot be reached is said, with the way out."""
    answers = project / template.ANSWERS
    lines = answers.read_text().splitlines(keepends=True)
    answers.write_text("".join(f"_src_path: {source}\n" if line.startswith("_src_path") else line for line in lines))
    path = _programs(tmp_path / "bin", git='echo "$*" >&2\nexit 1\n')
    done = template.run("make", "kind-up", cwd=project, check=False, more={"PATH": path})
    assert done.returncode != 0
    assert f"clone --quiet --no-checkout {address} .platform/v1.0.0" in done.stderr
    assert "make SOURCE=... kind-up" in done.stderr
