"""What is compiled from the modules pinned in `k8s/components`, in which steps."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from k8s.alertmanager import trim as alertmanager
from k8s.jaeger import trim as jaeger
from k8s.keda import trim as keda
from k8s.policies import trim as policies

COMPONENTS = Path(__file__).resolve().parent.parent / "components"
TRACING = COMPONENTS / "tracing"
_CNI = "github.com/containernetworking/plugins/plugins"
_CONTAINERD = "github.com/containerd/containerd/v2/cmd"


@dataclass(frozen=True)
class Group:
    """Packages compiled in one step.

    Attributes:
        name: of the step.
        packages: binary name to Go package.
        about: how long a first build takes on two cores.
        tags: Go build tags.
        needed_for_nodes: the nodes cannot start without them; the others are add-ons.
        pinned_in: the folder of the go.mod that says which versions.
        trimmed: a Go module, and what copies its source to a folder with changes before it is compiled.
    """

    name: str
    packages: dict[str, str]
    about: str
    tags: str = ""
    needed_for_nodes: bool = True
    pinned_in: Path = COMPONENTS
    trimmed: tuple[str, Callable[[Path, Path], None]] | None = None


# Serves custom.metrics.k8s.io with values that tests post to it; no image of it is published.
TEST_ADAPTER = Group(
    "test-adapter",
    {"test-adapter": "sigs.k8s.io/custom-metrics-apiserver/test-adapter"},
    "10 s",
    needed_for_nodes=False,
)
GROUPS = (
    Group("Kubernetes", {"kubernetes": "./kubernetes", "kind": "sigs.k8s.io/kind"}, "4 min"),
    Group(
        "containerd and CNI plugins",
        {
            "containerd": f"{_CONTAINERD}/containerd",
            "ctr": f"{_CONTAINERD}/ctr",
            "containerd-shim-runc-v2": f"{_CONTAINERD}/containerd-shim-runc-v2",
            "ptp": f"{_CNI}/main/ptp",
            "loopback": f"{_CNI}/main/loopback",
            "host-local": f"{_CNI}/ipam/host-local",
            "portmap": f"{_CNI}/meta/portmap",
        },
        "35 s",
    ),
    Group("etcd", {"etcd": "go.etcd.io/etcd/server/v3"}, "20 s"),
    Group(
        "CoreDNS and local-path-provisioner",
        {
            "coredns": "github.com/coredns/coredns",
            "local-path-provisioner": "github.com/rancher/local-path-provisioner",
        },
        "40 s",
    ),
    Group(
        "metrics-server",
        {"metrics-server": "sigs.k8s.io/metrics-server/cmd/metrics-server"},
        "10 s",
        needed_for_nodes=False,
    ),
    Group(
        "Prometheus",
        {
            "prometheus": "github.com/prometheus/prometheus/cmd/prometheus",
            "promtool": "github.com/prometheus/prometheus/cmd/promtool",
        },
        "1 min",
        tags="remove_all_sd,enable_kubernetes_sd",
        needed_for_nodes=False,
    ),
    Group(
        "Alertmanager",
        {"alertmanager": "github.com/prometheus/alertmanager/cmd/alertmanager"},
        "30 s",
        needed_for_nodes=False,
        trimmed=("github.com/prometheus/alertmanager", alertmanager.trim),
    ),
    Group(
        "KEDA",
        {
            "keda-operator": "github.com/kedacore/keda/v2/cmd/operator",
            "keda-adapter": "github.com/kedacore/keda/v2/cmd/adapter",
            "keda-admission-webhooks": "github.com/kedacore/keda/v2/cmd/webhooks",
        },
        "45 s",
        needed_for_nodes=False,
        trimmed=("github.com/kedacore/keda/v2", keda.trim),
    ),
    Group("kube-state-metrics", {"kube-state-metrics": "./kube-state-metrics"}, "5 s", needed_for_nodes=False),
    Group("cert-manager", {"cert-manager": "./cert-manager"}, "20 s", needed_for_nodes=False),
    # Not installed: a test does, and takes it away again.
    Group(
        "network policies",
        {"network-policies": "sigs.k8s.io/kube-network-policies/cmd"},
        "5 s",
        needed_for_nodes=False,
        trimmed=("sigs.k8s.io/kube-network-policies", policies.trim),
    ),
    TEST_ADAPTER,
    Group(
        "Jaeger and a collector",
        {"jaeger": "github.com/jaegertracing/jaeger/cmd/all-in-one", "collector": "./collector"},
        "90 s",
        needed_for_nodes=False,
        pinned_in=TRACING,
        trimmed=("github.com/jaegertracing/jaeger", jaeger.trim),
    ),
    Group("Helm", {"helm": "helm.sh/helm/v3/cmd/helm"}, "15 s", needed_for_nodes=False),
)
# Commands that a person types on the host; where images are pulled, they are nearly all that is built.
HOST_TOOLS = ("kind", "kubectl", "helm", "promtool")
HOST_GROUP = Group(
    "kind, kubectl, Helm and promtool",
    {
        "kind": "sigs.k8s.io/kind",
        "kubectl": "k8s.io/kubernetes/cmd/kubectl",
        "helm": "helm.sh/helm/v3/cmd/helm",
        "promtool": "github.com/prometheus/prometheus/cmd/promtool",
    },
    "3 min",
)
