"""Installs the add-ons from their folders under `k8s/`, and waits until each answers."""

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from k8s.cluster.descriptor import ADD_ONS, AddOn, Chart
from k8s.cluster.kind import CONTEXT, Kind
from k8s.cluster.steps import Steps

CERTIFICATE = "gateway-certificate"


@dataclass(frozen=True)
class AddOns:
    """metrics-server, Prometheus and its like, KEDA, cert-manager, and Traefik for Ingresses and the Gateway API.

    Attributes:
        module: finds the folder of a pinned Go module; some add-ons' manifests come with their source.
    """

    kind: Kind
    steps: Steps
    module: Callable[[str], Path]

    def apply(self, *, from_charts: bool) -> None:
        """Install all; with `from_charts` those that have a published chart from there."""
        for add_on in ADD_ONS:
            if add_on.on_demand:
                continue
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
            StepError: one is not there within three minutes; names it.
        """
        namespaces = dict.fromkeys(add_on.namespace for add_on in ADD_ONS if add_on.namespace)
        for namespace in ("local-path-storage", *namespaces):
            self.kind.kubectl(
                "wait", "deployment", "--all", "--namespace", namespace, "--for=condition=Available", "--timeout=180s"
            )
        for add_on in ADD_ONS:
            for condition in add_on.ready:
                self.kind.kubectl("wait", *condition.split(), "--timeout=180s")

    def _ensure_certificate(self) -> None:
        """Make the certificate of the Gateway's HTTPS listener, once: whoever trusts it may go on doing so."""
        place = ("--namespace", "ingress")
        if self.kind.kubectl("get", "secret", CERTIFICATE, *place, "--ignore-not-found", "-o", "name"):
            return
        with tempfile.TemporaryDirectory() as folder:
            key, certificate = Path(folder) / "tls.key", Path(folder) / "tls.crt"
            names = ",".join(f"DNS:{name}" for name in ("localhost", "*.localhost"))
            self.steps.command(
                "openssl",
                [
                    *("openssl", "req", "-x509", "-nodes", "-days", "3650", "-subj", "/CN=localhost"),
                    *("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"),
                    *("-addext", f"subjectAltName={names}", "-keyout", key, "-out", certificate),
                ],
            )
            self.kind.kubectl("create", "secret", "tls", CERTIFICATE, *place, "--key", key, "--cert", certificate)

    def _apply(self, add_on: AddOn) -> None:
        rendered = self.steps.directory / "add-ons" / add_on.name
        shutil.rmtree(rendered, ignore_errors=True)
        shutil.copytree(
            add_on.folder, rendered, ignore=shutil.ignore_patterns("*.py", "__pycache__", "addon.toml", "image")
        )
        if add_on.upstream:
            upstream = self.module(add_on.upstream.module) / add_on.upstream.folder
            shutil.copytree(upstream, rendered / "upstream", copy_function=shutil.copyfile)
            for folder in filter(Path.is_dir, rendered.rglob("*")):
                folder.chmod(0o755)
        manifest = self.kind.kubectl("kustomize", rendered)
        self.kind.kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=manifest)

    def _install_chart(self, add_on: AddOn, chart: Chart) -> None:
        command: list[str | Path] = [
            *(self.kind.tools / "helm", "--kube-context", CONTEXT, "upgrade", "--install", add_on.name, add_on.name),
            *("--repo", chart.repository, "--version", chart.version),
            *("--namespace", add_on.name, "--create-namespace"),
        ]
        values = add_on.folder / f"{add_on.name}.values.yaml"
        if values.exists():
            command += ["--values", values]
        self.steps.command("helm", command)
