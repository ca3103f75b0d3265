"""The images that are made for a cluster there, on a double of a machine: see doubles.py."""

import subprocess
import sys
from pathlib import Path

import pytest

from k8s.cluster import images, published, service_image
from k8s.cluster.descriptor import FOLDERS
from k8s.cluster.kind import Kind
from k8s.cluster.mirror import Mirror
from k8s.cluster.on_demand import OnDemand
from k8s.cluster.steps import StepError, Steps
from k8s.cluster.wheels import Wheels
from tests.unit.k8s.cluster.doubles import MACOS, UBUNTU, Machine

_BUILT = "localhost/kind-node:v1.36.3"
_MMDEBSTRAP = 'for archive in "$@"; do :; done; touch "$archive"'


@pytest.fixture(params=[UBUNTU, MACOS], ids=lambda system: system.name)
def machine(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """Make a double with a cluster of published images, and its tools."""
    machine = Machine(request.param, tmp_path, monkeypatch)
    machine.have_cluster(published.NODE)
    return machine


def _kind(machine: Machine) -> tuple[Kind, Steps]:
    steps = Steps(machine.folder / "image")
    return Kind(machine.local().tools, steps), steps


@pytest.mark.parametrize(("node", "base"), [(published.NODE, published.PYTHON), (_BUILT, images.PYTHON)])
def test_the_services_image_is_of_the_clusters_mode(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, node: str, base: str
) -> None:
    """Its base is pulled or built as the cluster is; wheels are of its architecture; the context is in sight."""
    machine.write("cluster", node)
    machine.program("mmdebstrap", _MMDEBSTRAP)
    asked = []

    def service(wheels: Wheels) -> Path:
        asked.append(wheels.architecture)
        (machine.folder / "wheels").mkdir()
        return machine.folder / "wheels"

    monkeypatch.setattr(Wheels, "service", service)
    kind, steps = _kind(machine)
    service_image.build(machine.folder / "cache", steps, kind, Mirror())
    *bases, build = machine.calls("docker build")
    assert [call.split()[3] for call in bases] == [images.PYTHON, images.PYTHON_BUILD] * (node == _BUILT)
    assert f"BASE_IMAGE={base} " in build
    assert build.split()[-1].startswith(str(machine.folder / "image"))
    assert asked == [machine.system.engine]
    assert (machine.folder / "image/tag").exists()


def test_without_a_cluster_no_image_is_built(machine: Machine) -> None:
    """The user reads which command comes first; and without an engine, docker's words."""
    (machine.state / "cluster").unlink()
    kind, steps = _kind(machine)
    with pytest.raises(StepError, match="`make kind-up` first"):
        service_image.build(machine.folder / "cache", steps, kind, Mirror())
    machine.write("trouble", "Cannot connect to the Docker daemon.")
    with pytest.raises(StepError, match="Cannot connect to the Docker daemon"):
        service_image.build(machine.folder / "cache", steps, kind, Mirror())
    assert not machine.calls("docker build")


def test_what_nobody_publishes_is_compiled_in_the_engine(machine: Machine) -> None:
    """So it is of the engine's architecture, and the host needs no Go."""
    OnDemand(*_kind(machine), Mirror()).load()
    compiled, packed = machine.calls("docker build")
    assert f"GO_IMAGE={published.go_image()}" in compiled
    assert "PACKAGE=sigs.k8s.io/custom-metrics-apiserver/test-adapter" in compiled
    assert "--tag localhost/test-adapter:local" in packed
    assert not machine.calls("go")
    assert machine.calls("docker save")


def test_a_cluster_built_here_has_them_already(machine: Machine) -> None:
    """Then nothing is built."""
    machine.write("cluster", _BUILT)
    OnDemand(*_kind(machine), Mirror()).load()
    assert not machine.calls("docker build")


def test_the_command_says_what_is_wrong_in_one_line(machine: Machine) -> None:
    """No trace of Python, and an exit status that make sees."""
    machine.write("trouble", "permission denied while trying to connect to the Docker daemon socket")
    command = (sys.executable, "-m", "k8s.cluster", "--cache", str(machine.folder / "cache"), "image")
    done = subprocess.run(command, cwd=FOLDERS.parent, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("error: no Docker engine answers: permission denied")
