import json
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from k8s.cluster.steps import StepError
from k8s.simulation import certificates
from k8s.simulation.api import Api
from k8s.simulation.certificates import Certificate
from k8s.simulation.options import Options
from k8s.simulation.process import Process, Usage, running
from k8s.simulation.programs import Programs
from k8s.simulation.stages import stages
from service.dev import free_port

READY_SECONDS = 60
# The Service behind which a simulation puts its metrics.
METRICS_SERVICE = "metrics"
# Kubernetes' own limits, 20 calls a second for a controller and 50 for the scheduler, would be all that is seen.
_UNLIMITED = ("--kube-api-qps=5000", "--kube-api-burst=10000")
_EVENT_LIMITS = {
    "apiVersion": "apiserver.config.k8s.io/v1",
    "kind": "AdmissionConfiguration",
    "plugins": [
        {
            "name": "EventRateLimit",
            "configuration": {
                "apiVersion": "eventratelimit.admission.k8s.io/v1alpha1",
                "kind": "Configuration",
                "limits": [{"type": "Server", "qps": 1, "burst": 1}],
            },
        }
    ],
}
_CONTROLLERS = ("deployment-controller", "replicaset-controller", "horizontal-pod-autoscaler-controller")


@dataclass
class ControlPlane:
    """A control plane that answers.

    Attributes:
        api: its API, as its administrator.
        tls: the certificate that it and all that stand beside it serve with.
        processes: by name.
    """

    api: Api
    tls: Certificate
    processes: dict[str, Process] = field(default_factory=dict)

    def usage(self) -> dict[str, Usage]:
        """Tell what each of its processes has used."""
        return {name: process.usage for name, process in self.processes.items()}

    def require_running(self) -> None:
        """Raise a StepError if one of its processes has ended."""
        for process in self.processes.values():
            process.require_running()


@contextmanager
def control_plane(programs: Programs, options: Options, folder: Path) -> Iterator[ControlPlane]:
    """Run etcd, the API server, scheduler, controllers and kwok in `folder` until the block ends.

    Raises:
        StepError: one of them ended, or the API server was not ready within a minute.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    links = programs.link(folder / "bin")
    tls = certificates.issue(folder / "tls", METRICS_SERVICE)
    token = secrets.token_hex(16)
    port, etcd_port, peer_port = (free_port() for _ in range(3))
    with ExitStack() as stack:
        api = Api(f"https://127.0.0.1:{port}", tls.certificate, token)
        stack.callback(api.close)
        plane = ControlPlane(api, tls)
        kubeconfig = _kubeconfig(folder, f"https://127.0.0.1:{port}", tls, token)
        commands: list[tuple[str, list[str | Path]]] = [
            ("etcd", [programs.etcd, *_etcd(etcd_port, peer_port, folder)]),
            ("kube-apiserver", [links["kube-apiserver"], *_apiserver(etcd_port, port, folder, tls, token)]),
            ("kube-scheduler", [links["kube-scheduler"], *_component(kubeconfig)]),
            ("kube-controller-manager", [links["kube-controller-manager"], *_controllers(kubeconfig, options)]),
            ("kwok", [programs.kwok, *_kwok(kubeconfig, options, folder)]),
        ]
        for name, command in commands:
            plane.processes[name] = stack.enter_context(running(name, command, folder))
            if name == "kube-apiserver":
                _await(plane)
        yield plane


def _etcd(port: int, peer_port: int, folder: Path) -> list[str]:
    client, peer = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{peer_port}"
    return [
        f"--data-dir={folder / 'etcd'}",
        f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=default={peer}",
        "--unsafe-no-fsync",  # what it holds is worth nothing after the run
        "--quota-backend-bytes=4294967296",
        "--log-level=warn",
    ]


def _apiserver(etcd_port: int, port: int, folder: Path, tls: Certificate, token: str) -> list[str]:
    tokens = folder / "tokens.csv"
    tokens.touch(mode=0o600)
    tokens.write_text(f"{token},simulation,simulation,system:masters\n", encoding="ascii")
    limits = folder / "event-limits.json"
    limits.write_text(json.dumps(_EVENT_LIMITS), encoding="utf-8")
    return [
        f"--etcd-servers=http://127.0.0.1:{etcd_port}",
        "--bind-address=127.0.0.1",
        "--advertise-address=127.0.0.1",
        f"--secure-port={port}",
        f"--tls-cert-file={tls.certificate}",
        f"--tls-private-key-file={tls.key}",
        f"--token-auth-file={tokens}",
        "--service-account-issuer=https://localhost",
        f"--service-account-key-file={tls.key}",
        f"--service-account-signing-key-file={tls.key}",
        # Who has the token may do all; without it nobody may do anything.
        "--authorization-mode=AlwaysAllow",
        "--anonymous-auth=false",
        "--service-cluster-ip-range=10.96.0.0/24",
        "--endpoint-reconciler-type=none",  # a loopback address is none for Endpoints
        # No controller makes service accounts here, and none removes the taint of a new node.
        "--disable-admission-plugins=ServiceAccount,TaintNodesByCondition",
        # Two or three events a pod, which nobody reads here, would be a third of all writes.
        "--enable-admission-plugins=EventRateLimit",
        f"--admission-control-config-file={limits}",
        # One caller, the load of all: what fairness between callers holds back would be the simulation itself.
        "--enable-priority-and-fairness=false",
        "--max-requests-inflight=2000",
        "--max-mutating-requests-inflight=1000",
    ]


def _component(kubeconfig: Path) -> list[str]:
    return [
        f"--kubeconfig={kubeconfig}",
        "--leader-elect=false",
        "--secure-port=0",
        *_UNLIMITED,
    ]


def _controllers(kubeconfig: Path, options: Options) -> list[str]:
    controllers = [*_CONTROLLERS, "node-lifecycle-controller"] if options.node_leases else _CONTROLLERS
    return [
        *_component(kubeconfig),
        f"--controllers={','.join(controllers)}",
        "--concurrent-horizontal-pod-autoscaler-syncs=20",
        f"--horizontal-pod-autoscaler-sync-period={options.sync_seconds}s",
        f"--horizontal-pod-autoscaler-cpu-initialization-period={options.cpu_initialization_seconds}s",
        f"--horizontal-pod-autoscaler-initial-readiness-delay={options.readiness_delay_seconds}s",
    ]


def _kwok(kubeconfig: Path, options: Options, folder: Path) -> list[str]:
    config = folder / "kwok.yaml"
    config.write_text(stages(options), encoding="utf-8")
    return [
        f"--kubeconfig={kubeconfig}",
        f"--config={config}",
        "--manage-all-nodes=true",
        "--cidr=10.0.0.1/8",
        "--node-ip=127.0.0.1",
        f"--node-lease-duration-seconds={40 if options.node_leases else 0}",
    ]


def _kubeconfig(folder: Path, url: str, tls: Certificate, token: str) -> Path:
    path = folder / "kubeconfig"
    path.touch(mode=0o600)
    cluster = {"server": url, "certificate-authority": str(tls.certificate)}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "simulation", "cluster": cluster}],
        "users": [{"name": "simulation", "user": {"token": token}}],
        "contexts": [{"name": "simulation", "context": {"cluster": "simulation", "user": "simulation"}}],
        "current-context": "simulation",
    }
    path.write_text(json.dumps(config), encoding="utf-8")
    return path


def _await(plane: ControlPlane) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while not plane.api.is_ready():
        plane.require_running()
        if time.monotonic() > deadline:
            log = plane.processes["kube-apiserver"].log
            message = f"the API server was not ready within {READY_SECONDS} s; its output is in {log}"
            raise StepError(message)
        time.sleep(0.1)
