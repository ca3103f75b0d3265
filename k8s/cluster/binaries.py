"""Builds every binary of the cluster from the modules pinned in `k8s/components`."""

import functools
import hashlib
import inspect
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from k8s.cluster import host_tools
from k8s.cluster.group import COMPONENTS, Group
from k8s.cluster.groups import GROUPS, HOST_GROUP
from k8s.cluster.modules import version_of
from k8s.cluster.steps import StepError, Steps


@dataclass(frozen=True)
class Binaries:
    """The built binaries, each group's kept in the cache under a key of all that goes into it."""

    cache: Path
    steps: Steps

    def __getitem__(self, name: str) -> Path:
        """Return the path of a binary: the built one, or where it will be."""
        paths = [self._folder(group) / name for group in (*GROUPS, HOST_GROUP) if name in group.packages]
        return next((path for path in paths if path.exists()), paths[0])

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

    def build_group(self, group: Group) -> Path:
        """Build a group, the cluster's or another, unless it is there; return the folder of its binaries."""
        self._ensure(group)
        return self._folder(group)

    def build_host_tools(self) -> dict[str, Path]:
        """Build what a person types on the host, and nothing of the cluster."""
        self._ensure(HOST_GROUP)
        return {name: self._folder(HOST_GROUP) / name for name in HOST_GROUP.packages}

    def download(self) -> None:
        """Fetch the sources of the add-ons' modules, while the compiler works on Kubernetes."""
        for folder in sorted({group.pinned_in for group in GROUPS}):
            packages = [
                package
                for group in GROUPS
                if not group.needed_for_nodes and group.pinned_in == folder
                for package in group.packages.values()
            ]
            self.steps.command("go-list", ["go", "list", "-deps", "-e", *packages], cwd=folder, env=_environment())

    def link_host_tools(self, target: Path) -> None:
        """Put links to the tools a person types into `target`, as far as they are built."""
        built = {name: self[name] for name in HOST_GROUP.packages}
        if self["kubernetes"].exists():
            built["kubectl"] = self["kubernetes"]  # which is kubectl under that name
        host_tools.link(built, target, self.steps)

    def _folder(self, group: Group) -> Path:
        return self.cache / "components" / key(group) / "bin"

    def _ensure(self, group: Group) -> None:
        if not all((self._folder(group) / name).exists() for name in group.packages):
            self.steps.run(f"compile {group.name}", lambda: self._compile(group), about=group.about)

    def _compile(self, group: Group) -> None:
        folder = self._folder(group)
        fresh = folder.with_name("fresh")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True)
        arguments = ["go", "build", "-trimpath", "-ldflags", _ldflags(), "-tags", group.tags]
        if group.trimmed is not None:
            arguments.append(f"-modfile={self._trimmed(group, *group.trimmed)}")
        for name, package in group.packages.items():
            self.steps.command(
                "go-build", [*arguments, "-o", fresh / name, package], cwd=group.pinned_in, env=_environment()
            )
        shutil.rmtree(folder, ignore_errors=True)
        fresh.rename(folder)  # all of a group or none of it: a crash leaves no half

    def _trimmed(self, group: Group, module: str, trim: Callable[[Path, Path], None]) -> Path:
        """Copy and change the source of the group's module; returns a go.mod that takes it from there."""
        source = self._folder(group).with_name("source")
        trim(self.source(module, pinned_in=group.pinned_in), source)
        modfile = source.with_name("go.mod")
        text = (group.pinned_in / "go.mod").read_text(encoding="utf-8")
        modfile.write_text(f"{text}\nreplace {module} => {source}\n", encoding="utf-8")
        shutil.copyfile(group.pinned_in / "go.sum", modfile.with_suffix(".sum"))
        return modfile

    def source(self, module: str, *, pinned_in: Path = COMPONENTS) -> Path:
        """Return the folder with the source of a pinned Go module."""
        listed = self.steps.command(
            "go-mod", ["go", "mod", "download", "-json", module], cwd=pinned_in, env=_environment()
        )
        found = re.search(r'"Dir": "([^"]+)"', listed)
        if found is None:
            message = f"the go command named no folder for the source of {module}:\n{listed}"
            raise StepError(message)
        return Path(found.group(1))


def key(group: Group) -> str:
    """Return a hash over a group's pinned modules, our sources in it, and the compiler's version."""
    digest = hashlib.sha256(f"{_go_version()} {_ldflags()} {group.packages} {group.tags}".encode())
    files = [group.pinned_in / "go.mod", group.pinned_in / "go.sum"]
    for package in group.packages.values():
        if package.startswith("./"):
            files += sorted((group.pinned_in / package).glob("*.go"))
    if group.trimmed is not None:
        change = Path(inspect.getfile(group.trimmed[1]))
        files += [change, *sorted(change.parent.glob("*.go"))]  # what it puts there
    for path in files:
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


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


@functools.cache
def _go_version() -> str:
    if shutil.which("go") is None:
        message = "missing: go. Building the cluster takes the Go that k8s/components/go.mod names, or a newer one."
        raise StepError(message)
    return subprocess.run(["go", "env", "GOVERSION"], capture_output=True, text=True, check=True).stdout.strip()
