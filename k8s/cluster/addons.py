"""Installs the add-ons from their folders under `k8s/`, and waits until each answers."""

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from k8s.cluster.descriptor import ADD_ONS, FOLDERS, AddOn, Chart
from k8s.cluster.kind import CONTEXT, Kind
from k8s.cluster.mirror import Mirror
from k8s.cluster.steps import Steps
from k8s.ingress.controllers import NAMESPACE, Controller

CERTIFICATE = "gateway-certificate"


@dataclass(frozen=True)
class AddOns:
    """metrics-server, Prometheus and its like, KEDA, cert-manager, and what serves Ingresses and the Gateway API.

    Attributes:
        ingress: which controller serves the chart's Ingress.
        module: finds the folder of a Go module that a folder pins; some add-ons' manifests come with their source.
        patience_seconds: how long one may take to be there.
        mirror: of the charts.
    """

    kind: Kind
    steps: Steps
    ingress: Controller
    module: Callable[[str, Path], Path]
    patience_seconds: int
    mirror: Mirror = field(default_factory=Mirror)

    def apply(self, *, from_charts: bool) -> None:
        """Install all; with `from_charts` those that have a published chart from there."""
        self._remove_other_choices(from_charts=from_charts)
        for add_on in self._chosen:
            if add_on.on_demand:
                continue
            for replaced in add_on.replaces:
                self.kind.kubectl("delete", *replaced.split(), "--ignore-not-found")
            if add_on.chart and from_charts:
                self._install_chart(add_on, add_on.chart)
            elif (add_on.folder / "kustomization.yaml").exists():
                self._apply(add_on)
            if add_on.kinds:
                self.kind.kubectl("wait", "crd", *add_on.kinds, "--for=condition=Established", "--timeout=60s")
        self._ensure_certificate()

    def wait(self) -> None:
        """Wait until every add-on is rolled out, and what it says of itself holds: its API is in use, its webhook.

        Raises:
            StepError: one is not there in time; names it.
        """
        timeout = f"--timeout={self.patience_seconds}s"
        namespaces = dict.fromkeys(add_on.namespace for add_on in self._chosen if add_on.namespace)
        for namespace in ("local-path-storage", *namespaces):
            self.kind.kubectl(
                "wait", "deployment", "--all", "--namespace", namespace, "--for=condition=Available", timeout
            )
        for add_on in self._chosen:
            for condition in add_on.ready:
                self.kind.kubectl("wait", *condition.split(), timeout)

    @property
    def _chosen(self) -> list[AddOn]:
        return [add_on for add_on in ADD_ONS if add_on.ingress in {"", self.ingress.choice}]

    def _remove_other_choices(self, *, from_charts: bool) -> None:
        """Remove a controller that was chosen before: it has the ports, and perhaps a webhook for Ingresses."""
        for add_on in ADD_ONS:
            if add_on in self._chosen or bool(add_on.chart) != from_charts:
                continue
            if from_charts:
                self._helm("uninstall", add_on.name, "--ignore-not-found", "--wait", *_place(add_on))
            elif add_on.namespace:
                ports = ("deployment,service", add_on.name)  # the rest harms nobody
                self.kind.kubectl("delete", *ports, "--namespace", add_on.namespace, "--ignore-not-found")

    def _ensure_certificate(self) -> None:
        """Make the certificate of the Gateway's HTTPS listener, once: whoever trusts it may go on doing so."""
        place = ("--namespace", NAMESPACE)
        if self.kind.kubectl("get", "secret", CERTIFICATE, *place, "--ignore-not-found", "-o", "name"):
            return
        chart = FOLDERS / "ingress" / "certificate"
        with tempfile.TemporaryDirectory() as folder:  # not on the standard output, which is kept in a log
            self._helm("template", CERTIFICATE, chart, *place, "--output-dir", folder)
            self.kind.kubectl("create", "--filename", folder, "--recursive")

    def _apply(self, add_on: AddOn) -> None:
        rendered = self.steps.directory / "add-ons" / add_on.name
        shutil.rmtree(rendered, ignore_errors=True)
        shutil.copytree(
            add_on.folder, rendered, ignore=shutil.ignore_patterns("*.py", "__pycache__", "addon.toml", "image")
        )
        if add_on.upstream:
            upstream = self.module(add_on.upstream.module, add_on.upstream.pinned_in) / add_on.upstream.folder
            shutil.copytree(upstream, rendered / "upstream", copy_function=shutil.copyfile)
            for folder in filter(Path.is_dir, rendered.rglob("*")):
                folder.chmod(0o755)
        component = f"with-{self.ingress.choice}"
        if (rendered / component).exists():
            with (rendered / "kustomization.yaml").open("a", encoding="utf-8") as stream:
                stream.write(f"components: [{component}]\n")
        manifest = self.kind.kubectl("kustomize", rendered)
        self.kind.kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=manifest)

    def _install_chart(self, add_on: AddOn, chart: Chart) -> None:
        source = ("--repo", self.mirror.url(chart.repository), "--version", chart.version)
        values = add_on.folder / f"{add_on.name}.values.yaml"
        given = ("--values", values) if values.exists() else ()
        install = ("upgrade", "--install", add_on.name, add_on.name, *source)
        self._helm(*install, *_place(add_on), "--create-namespace", *given)

    def _helm(self, *arguments: str | Path) -> None:
        self.steps.command("helm", [self.kind.tools / "helm", "--kube-context", CONTEXT, *arguments])


def _place(add_on: AddOn) -> tuple[str, str]:
    return "--namespace", add_on.namespace or add_on.name
