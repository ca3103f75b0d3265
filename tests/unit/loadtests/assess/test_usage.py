from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from k8s.client.errors import ClusterError
from k8s.client.prometheus import Sample
from loadtests.assess.parts import ADDONS, SERVICE
from loadtests.assess.usage import AGENTS_PART, GENERATOR, REST, UsageMeter

UID = "0a1b2c3d-0000-4000-8000-0123456789ab"
MIRROR = "fd12c05606b1b268476a8808a64a769d"


class _Parts:
    """Knows one pod."""

    def refresh(self) -> None:
        """Learn nothing."""

    def of(self, uid: str) -> tuple[str, str]:
        return (SERVICE, "users-api-a") if uid == UID else (ADDONS, uid)

    def named(self, namespace: str, name: str) -> str:
        return SERVICE if (namespace, name) == ("users-api", "users-api-a") else ADDONS


class _Prometheus:
    def __init__(self, cores: Mapping[str, float] | None) -> None:
        self._cores = cores

    def query(self, _: str) -> list[Sample]:
        if self._cores is None:
            raise ClusterError("no Prometheus")
        return [Sample({"namespace": "users-api", "pod": pod}, ((0, cores),)) for pod, cores in self._cores.items()]


def _meter(proc: Path, cores: Mapping[str, float] | None = None) -> UsageMeter:
    parts: Any = _Parts()
    prometheus: Any = _Prometheus(cores)
    return UsageMeter(parts, prometheus, proc)


def _process(proc: Path, pid: int, name: str, ticks: int, cgroup: str) -> None:
    folder = proc / str(pid)
    folder.mkdir(exist_ok=True)
    fields = ["S", *["0"] * 10, str(ticks), "0", *["0"] * 10]
    (folder / "stat").write_text(f"{pid} ({name}) {' '.join(fields)}\n")
    (folder / "cgroup").write_text(f"1:cpu:{cgroup}\n")


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    """A machine with a pod's process, a kubelet, and another."""
    (tmp_path / "stat").write_text("cpu  100 0 100 800 0 0 0 0\n")
    pod = f"/kubepods-burstable-pod{UID.replace('-', '_')}.slice/cri-containerd-1.scope"
    _process(tmp_path, 10, "python (a)", 50, pod)
    _process(tmp_path, 11, "kubelet", 70, "/system.slice")
    _process(tmp_path, 12, "compile", 90, "/")
    return tmp_path


def test_processes_are_shared_out_by_pod_and_name(proc: Path) -> None:
    """A pod's process counts for its part, one that began meanwhile too; a kubelet for the node."""
    with _meter(proc).measuring() as used:
        _process(proc, 10, "python (a)", 100, f"/kubepods/burstable/pod{UID}/1")
        _process(proc, 11, "kubelet", 80, "/system.slice")
        _process(proc, 12, "compile", 110, "/")
        _process(proc, 13, "etcd", 30, f"/kubelet-kubepods-burstable-pod{MIRROR}.slice/1")
        (proc / "stat").write_text("cpu  200 10 150 900 5 0 0 0\n")
    ticks = {part: cores * used.seconds * 100 for part, cores in used.parts.items()}
    assert ticks == pytest.approx({SERVICE: 50, AGENTS_PART: 10, REST: 20, ADDONS: 30})
    assert used.host_busy * used.seconds * 100 == pytest.approx(160)
    assert used.busiest_pod[SERVICE] == used.parts[SERVICE]
    assert used.pods_are_here


def test_a_cluster_elsewhere_is_asked_of_prometheus(tmp_path: Path) -> None:
    """Where no process here is of a pod, cAdvisor says what the pods used."""
    (tmp_path / "stat").write_text("cpu  100 0 100 800 0 0 0 0\n")
    with _meter(tmp_path, {"users-api-a": 0.5, "users-api-b": 0.25}).measuring() as used:
        pass
    assert used.parts == {SERVICE: 0.5, ADDONS: 0.25}
    assert not used.pods_are_here


def test_no_prometheus_leaves_the_pods_out(tmp_path: Path) -> None:
    """A measurement does not fail for want of what explains it."""
    (tmp_path / "stat").write_text("cpu  100 0 100 800 0 0 0 0\n")
    with _meter(tmp_path).measuring() as used:
        pass
    used.add_generator(used.seconds / 2, 1)
    assert used.parts == {GENERATOR: pytest.approx(0.5)}
