"""Builds every binary of the cluster from the modules pinned in `k8s/components`."""

import hashlib
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from k8s.cluster.steps import StepError, Steps
from k8s.keda import trim as keda

COMPONENTS = Path(__file__).resolve().parent.parent / "components"
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
    """

    name: str
    packages: dict[str, str]
    about: str
    tags: str = ""
    needed_for_nodes: bool = True


# Serves custom.metrics.k8s.io with values that tests post to it; no image of it is published.
TEST_ADAPTER_GROUP = Group(
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
        "KEDA",
        {
            "keda-operator": "github.com/kedacore/keda/v2/cmd/operator",
            "keda-adapter": "github.com/kedacore/keda/v2/cmd/adapter",
        },
        "40 s",
        needed_for_nodes=False,
    ),
    Group("kube-state-metrics", {"kube-state-metrics": "./kube-state-metrics"}, "5 s", needed_for_nodes=False),
    TEST_ADAPTER_GROUP,
    Group("Helm", {"helm": "helm.sh/helm/v3/cmd/helm"}, "15 s", needed_for_nodes=False),
)
# Commands that a person types on the host; where images are pulled, they are all that is built.
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


@dataclass(frozen=True)
class Binaries:
    """The built binaries, kept in the cache under a key of all that goes into them."""

    cache: Path
    steps: Steps

    @property
    def directory(self) -> Path:
        """Where the binaries lie."""
        return self.cache / "components" / self.key() / "bin"

    def __getitem__(self, name: str) -> Path:
        """Return the path of a built binary."""
        return self.directory / name

    @staticmethod
    def key() -> str:
        """Return a hash over the pinned modules, our sources among them, and the compiler's version."""
        digest = hashlib.sha256(f"{_go_version()} {_ldflags()} {GROUPS} {HOST_GROUP}".encode())
        for path in (*sorted(COMPONENTS.rglob("*")), Path(keda.__file__)):
            if path.is_file():
                digest.update(path.read_bytes())
        return digest.hexdigest()[:12]

    def build(self, *, for_nodes: bool) -> None:
        """Build the groups that the nodes need, or the add-ons' groups, unless they are there."""
        for group in GROUPS:
            if group.needed_for_nodes == for_nodes:
                self._ensure(group)

    def build_groups(self, *names: str) -> None:
        """Build the groups of these names, unless they are there."""
        for group in GROUPS:
            if group.name in names:
                self._ensure(group)

    def build_unpublished(self) -> None:
        """Build only what a person types on the host, and what is published nowhere."""
        self._ensure(HOST_GROUP)
        self._ensure(TEST_ADAPTER_GROUP)

    def download(self) -> None:
        """Fetch the sources of the add-ons' modules, while the compiler works on Kubernetes."""
        packages = [package for group in GROUPS if not group.needed_for_nodes for package in group.packages.values()]
        self.steps.command("go-list", ["go", "list", "-deps", "-e", *packages], cwd=COMPONENTS, env=_environment())

    def link_host_tools(self, target: Path) -> None:
        """Put symbolic links to the tools a person types into `target`, and on PATH where the host has none."""
        target.mkdir(parents=True, exist_ok=True)
        for tool in HOST_TOOLS:
            link = target / tool
            link.unlink(missing_ok=True)
            built = self["kubernetes"] if tool == "kubectl" and self["kubernetes"].exists() else self[tool]
            link.symlink_to(built)
            on_path = Path("/usr/local/bin") / tool
            if built.exists() and shutil.which(tool) is None and os.access(on_path.parent, os.W_OK):
                on_path.unlink(missing_ok=True)  # a dangling link of ours, from a cache that was deleted
                on_path.symlink_to(link)
                self.steps.say(f"linked {on_path}")

    def _ensure(self, group: Group) -> None:
        if not all(self[name].exists() for name in group.packages):
            self.steps.run(f"compile {group.name}", lambda: self._compile(group), about=group.about)

    def _compile(self, group: Group) -> None:
        fresh = self.directory.with_name("fresh")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True)
        arguments = ["go", "build", "-trimpath", "-ldflags", _ldflags(), "-tags", group.tags]
        if group.name == "KEDA":
            arguments.append(f"-modfile={self._trimmed_keda()}")
        for name, package in group.packages.items():
            self.steps.command(
                "go-build", [*arguments, "-o", fresh / name, package], cwd=COMPONENTS, env=_environment()
            )
        self.directory.mkdir(parents=True, exist_ok=True)
        for binary in fresh.iterdir():
            binary.replace(self[binary.name])  # all of a group or none of it: a crash leaves no half
        fresh.rmdir()

    def _trimmed_keda(self) -> Path:
        listed = self.steps.command(
            "go-list",
            [
                "go",
                "mod",
                "download",
                "-json",
                f"github.com/kedacore/keda/v2@{version_of('github.com/kedacore/keda/v2')}",
            ],
            cwd=COMPONENTS,
            env=_environment(),
        )
        found = re.search(r'"Dir": "([^"]+)"', listed)
        if found is None:
            message = f"the go command named no folder for KEDA's source:\n{listed}"
            raise StepError(message)
        source = self.directory.with_name("keda")
        keda.trim(Path(found.group(1)), source)
        modfile = self.directory.with_name("go.mod")
        text = (COMPONENTS / "go.mod").read_text(encoding="utf-8")
        modfile.write_text(f"{text}\nreplace github.com/kedacore/keda/v2 => {source}\n", encoding="utf-8")
        shutil.copyfile(COMPONENTS / "go.sum", modfile.with_suffix(".sum"))
        return modfile


def version_of(module: str) -> str:
    """Return the version that `k8s/components/go.mod` pins `module` to.

    Raises:
        StepError: it pins none.
    """
    text = (COMPONENTS / "go.mod").read_text(encoding="utf-8")
    found = re.search(rf"(?m)^\s+{re.escape(module)} (v\S+)", text)
    if found is None:
        message = f"k8s/components/go.mod names no version of {module}"
        raise StepError(message)
    return found.group(1)


def _ldflags() -> str:
    kubernetes, helm = version_of("k8s.io/kubernetes"), version_of("helm.sh/helm/v3")
    major, minor, _ = kubernetes.removeprefix("v").split(".")
    variables = {
        "k8s.io/component-base/version.gitVersion": kubernetes,
        "k8s.io/client-go/pkg/version.gitVersion": kubernetes,
        "helm.sh/helm/v3/internal/version.version": helm,
        # What `helm template` takes a cluster to be; 1.20 unless told.
        "helm.sh/helm/v3/pkg/chartutil.k8sVersionMajor": major,
        "helm.sh/helm/v3/pkg/chartutil.k8sVersionMinor": minor,
        "helm.sh/helm/v3/pkg/lint/rules.k8sVersionMajor": major,
        "helm.sh/helm/v3/pkg/lint/rules.k8sVersionMinor": minor,
    }
    return " ".join(["-s", "-w", *(f"-X {name}={value}" for name, value in variables.items())])


def _environment() -> dict[str, str]:
    # The compiler collects its garbage a quarter as often: it has the memory, and not the cores.
    return {**os.environ, "CGO_ENABLED": "0", "GOGC": "400", "GOFLAGS": ""}


def _go_version() -> str:
    if shutil.which("go") is None:
        message = "missing: go. Building the cluster takes the Go that k8s/components/go.mod names, or a newer one."
        raise StepError(message)
    return subprocess.run(["go", "env", "GOVERSION"], capture_output=True, text=True, check=True).stdout.strip()
