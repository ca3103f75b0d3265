"""What is compiled from the modules pinned in `k8s/components`, in which steps."""

from k8s.cluster.descriptor import ADD_ONS
from k8s.cluster.group import Group

_CNI = "github.com/containernetworking/plugins/plugins"
_CONTAINERD = "github.com/containerd/containerd/v2/cmd"
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
    *(add_on.build for add_on in ADD_ONS if add_on.build),
    Group("Helm", {"helm": "helm.sh/helm/v3/cmd/helm"}, "15 s", needed_for_nodes=False),
)
# Commands that a person types on the host: compiled where images are pulled, but these cannot be fetched.
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
