"""Installs the add-ons from their folders under `k8s/`, and waits until each answers."""

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from k8s.cluster import published
from k8s.cluster.kind import CONTEXT, Kind
from k8s.cluster.steps import Steps

FOLDERS = Path(__file__).resolve().parent.parent
# In this order: the first has the namespace.
OWN = ("prometheus", "kube-state-metrics", "alertmanager", "jaeger", "otel-collector")
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
        """Apply all manifests; `from_charts` takes KEDA and cert-manager from their published charts."""
        self._apply("metrics-server", upstream=self.module("sigs.k8s.io/metrics-server") / "manifests" / "base")
        for name in OWN:
            self._apply(name)
        if from_charts:
            for (release, namespace), chart in published.CHARTS.items():
                self._install_chart(release, namespace, *chart)
        else:
            self._apply("keda", upstream=self.module("github.com/kedacore/keda/v2") / "config")
            kinds = self.module("github.com/cert-manager/cert-manager") / "deploy" / "crds"
            self._apply("cert-manager", upstream=kinds)
        self._apply("gateway-api", upstream=self.module("sigs.k8s.io/gateway-api") / "config" / "crd")
        kinds_of_ours = [f"{kind}.gateway.networking.k8s.io" for kind in ("gatewayclasses", "gateways", "httproutes")]
        self.kind.kubectl("wait", "crd", *kinds_of_ours, "--for=condition=Established", "--timeout=60s")
        self._apply("ingress")
        self._ensure_certificate()

    def wait(self) -> None:
        """Wait until every add-on is rolled out and both metrics APIs and KEDA's webhook are in use.

        Raises:
            StepError: one is not there within three minutes; names it.
        """
        for namespace in ("kube-system", "local-path-storage", "monitoring", "keda", "cert-manager", "ingress"):
            self.kind.kubectl(
                "wait", "deployment", "--all", "--namespace", namespace, "--for=condition=Available", "--timeout=180s"
            )
        for service in ("v1beta1.metrics.k8s.io", "v1beta1.external.metrics.k8s.io"):
            self.kind.kubectl("wait", "apiservice", service, "--for=condition=Available", "--timeout=180s")
        # Until KEDA's operator has put its CA there, the API server lets pass what the webhook would refuse.
        self.kind.kubectl(
            *("wait", "validatingwebhookconfiguration", "keda-admission", "--timeout=180s"),
            "--for=jsonpath={.webhooks[0].clientConfig.caBundle}",
        )
        self.kind.kubectl(
            "wait", "gateway", "--all", "--namespace", "ingress", "--for=condition=Programmed", "--timeout=60s"
        )

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

    def _apply(self, name: str, *, upstream: Path | None = None) -> None:
        rendered = self.steps.directory / "add-ons" / name
        shutil.rmtree(rendered, ignore_errors=True)
        shutil.copytree(FOLDERS / name, rendered, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
        if upstream is not None:
            shutil.copytree(upstream, rendered / "upstream", copy_function=shutil.copyfile)
            for folder in filter(Path.is_dir, rendered.rglob("*")):
                folder.chmod(0o755)
        manifest = self.kind.kubectl("kustomize", rendered)
        self.kind.kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=manifest)

    def _install_chart(self, release: str, namespace: str, repository: str, chart: str, version: str) -> None:
        command: list[str | Path] = [
            self.kind.tools / "helm",
            "--kube-context",
            CONTEXT,
            "upgrade",
            "--install",
            release,
            chart,
            "--repo",
            repository,
            "--version",
            version,
            "--namespace",
            namespace,
            "--create-namespace",
        ]
        values = FOLDERS / namespace / f"{release}.values.yaml"
        if values.exists():
            command += ["--values", values]
        self.steps.command("helm", command)
