import shutil
from pathlib import Path

import pytest
import yaml

from tests.chart.conftest import CHART, KUBERNETES, Manifest, Render, find, pods, run


def test_no_upgrade_touches_the_replicas(render: Render, values: list[Path]) -> None:
    """With an autoscaler the Deployment names no number of replicas, whatever the values say."""
    assert "replicas" not in find(render(*values, replicaCount="7"), "Deployment")["spec"]


def test_every_pod_is_restricted(render: Render, values: list[Path]) -> None:
    """Each pod, Redis and tests included, has what Pod Security `restricted` asks for, and no API token."""
    specs = pods(render(*values))
    assert len(specs) > 6
    for name, spec in specs.items():
        assert spec["automountServiceAccountToken"] is False, name
        assert spec["securityContext"]["runAsNonRoot"] is True, name
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        for container in [*spec.get("initContainers", []), *spec["containers"]]:
            context = container["securityContext"]
            assert context["allowPrivilegeEscalation"] is False, name
            assert context["readOnlyRootFilesystem"] is True, name
            assert context["capabilities"] == {"drop": ["ALL"]}, name


def test_every_container_has_requests_and_a_memory_limit(render: Render, values: list[Path]) -> None:
    """Each container of each pod can be scheduled and bounded."""
    for name, spec in pods(render(*values)).items():
        for container in [*spec.get("initContainers", []), *spec["containers"]]:
            assert {"cpu", "memory"} <= set(container["resources"]["requests"]), name
            assert "memory" in container["resources"]["limits"], name


def test_selectors_tell_the_api_from_all_else(render: Render, values: list[Path]) -> None:
    """What the autoscaler's target, the Service and the budget select are the API's pods alone."""
    manifests = render(*values)
    selector = find(manifests, "Deployment")["spec"]["selector"]["matchLabels"]
    assert find(manifests, "Service")["spec"]["selector"] == selector
    assert find(manifests, "PodDisruptionBudget")["spec"]["selector"]["matchLabels"] == selector
    selected = []
    for manifest in manifests:
        template = manifest if manifest["kind"] == "Pod" else manifest.get("spec", {}).get("template")
        if template and selector.items() <= template["metadata"]["labels"].items():
            selected.append(manifest["kind"])
    assert selected == ["Deployment"]


def test_nothing_is_rendered_outside_the_namespace(render: Render, values: list[Path]) -> None:
    """Every object is the release's own, in its namespace and with its label."""
    for manifest in render(*values):
        assert manifest["metadata"]["namespace"] == "users-api"
        assert manifest["metadata"]["labels"]["app.kubernetes.io/instance"] == "users-api"


@pytest.mark.parametrize("values", [[], [CHART / "values-kind.yaml"]], ids=["default", "kind"])
def test_defaults_need_no_operator(render: Render, values: list[Path]) -> None:
    """The defaults render nothing but Kubernetes' own kinds; the kind values add KEDA's alone."""
    foreign = {m["apiVersion"] for m in render(*values) if "." in m["apiVersion"].split("/")[0]}
    assert foreign <= {"networking.k8s.io/v1", "keda.sh/v1alpha1"}
    assert values or "keda.sh/v1alpha1" not in foreign


def test_a_changed_token_rolls_the_pods(render: Render) -> None:
    """Pods carry a checksum of settings and tokens that changes with them, and only with them."""

    def checksums(**settings: str) -> Manifest:
        template = find(render(CHART / "values-kind.yaml", **settings), "Deployment")["spec"]["template"]
        return {k: v for k, v in template["metadata"]["annotations"].items() if k.startswith("checksum/")}

    before = checksums()
    assert checksums() == before
    assert checksums(**{"auth.staticTokens[0].token": "other"})["checksum/tokens"] != before["checksum/tokens"]
    assert checksums(**{"config.logLevel": "DEBUG"})["checksum/config"] != before["checksum/config"]


def test_a_new_chart_version_restarts_nothing(tmp_path: Path) -> None:
    """A chart that differs by its version alone renders the same pods, so that Redis keeps its cache."""
    newer = tmp_path / "chart"
    shutil.copytree(CHART, newer)
    metadata = newer / "Chart.yaml"
    metadata.write_text(metadata.read_text().replace("\nversion: ", "\nversion: 1"))

    def pod_templates(chart: Path) -> list[Manifest]:
        arguments = ("--values", CHART / "values-kind.yaml", "--kube-version", KUBERNETES)
        output = run("helm", "template", "users-api", chart, *arguments).stdout
        return [m["spec"]["template"] for m in yaml.safe_load_all(output) if m and "template" in m.get("spec", {})]

    assert len(pod_templates(CHART)) == 2
    assert pod_templates(newer) == pod_templates(CHART)
