import shutil
from pathlib import Path

import pytest
import yaml

from tests.chart.conftest import CHART, KUBERNETES, Manifest, Render, find, pods, run, selects


def test_no_upgrade_touches_the_replicas(render: Render, values: list[Path]) -> None:
    """With an autoscaler the Deployment names no number of replicas, whatever the values say."""
    assert "replicas" not in find(render(*values, replicaCount="7"), "Deployment")["spec"]


def test_every_pod_is_restricted(render: Render, values: list[Path]) -> None:
    """Each pod, Redis and tests included, is as Pod Security `restricted` asks; only what makes Secrets has a token."""
    specs = pods(render(*values))
    assert len(specs) > 6
    for name, spec in specs.items():
        makes_secrets = name in {"Job/users-api-credentials", "CronJob/users-api-tls"}
        assert spec["automountServiceAccountToken"] is makes_secrets, name
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
        if template and "metadata" in template and selector.items() <= template["metadata"]["labels"].items():
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
    assert foreign <= {"networking.k8s.io/v1", "rbac.authorization.k8s.io/v1", "keda.sh/v1alpha1"}
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


@pytest.mark.parametrize(
    ("change", "before"),
    [
        ({"redis.auth.username": "other"}, {}),
        ({"redis.auth.password": "other"}, {}),
        ({"redis.auth.password": "other"}, {"redis.auth.password": "first"}),
        ({"redis.auth.existingSecret": "other"}, {}),
        ({"redis.auth.existingSecret": "other"}, {"redis.auth.existingSecret": "first"}),
    ],
)
def test_another_login_rolls_redis_and_the_api(render: Render, change: dict[str, str], before: dict[str, str]) -> None:
    """A user, password or Secret that the values name anew changes the pods of both sides: none is locked out."""

    def templates(**settings: str) -> dict[str, Manifest]:
        found = render(CHART / "values-kind.yaml", **settings)
        return {m["kind"]: m["spec"]["template"] for m in found if m["kind"] in {"Deployment", "StatefulSet"}}

    old, new = templates(**before), templates(**change)
    assert set(old) == set(new) == {"Deployment", "StatefulSet"}
    assert all(old[kind] != new[kind] for kind in old)


@pytest.mark.parametrize("field", ["size=2Gi", "storageClassName=fast", "enabled=false"])
def test_another_volume_changes_nothing_that_is_fixed(render: Render, field: str) -> None:
    """Persistence, its size or class changed on an upgrade: a StatefulSet keeps what Kubernetes lets nobody change."""
    mutable = {"replicas", "ordinals", "template", "updateStrategy", "revisionHistoryLimit"}
    mutable |= {"persistentVolumeClaimRetentionPolicy", "minReadySeconds"}
    name, value = field.split("=")

    def fixed(**settings: str) -> tuple[Manifest, dict[str, Manifest]]:
        manifests = render(CHART / "values-kind.yaml", **settings)
        spec = find(manifests, "StatefulSet", "users-api-redis")["spec"]
        names = {m["metadata"]["name"]: m["spec"] for m in manifests if m["kind"] == "PersistentVolumeClaim"}
        claims = {name: spec for name, spec in names.items() if "redis" in name}
        return {key: content for key, content in spec.items() if key not in mutable}, claims

    before, claims = fixed(**{"redis.persistence.enabled": "true"})
    after, others = fixed(**{"redis.persistence.enabled": "true", f"redis.persistence.{name}": value})
    assert before == after
    assert set(claims).isdisjoint(others)


def test_without_redis_nothing_of_it_is_left(render: Render) -> None:
    """No Redis by choice: no alert, dashboard, policy, Secret, Job or scrape is about one."""
    settings = {"redis.enabled": "false", "redis.exporter.enabled": "true"}
    settings |= {"postgresql.mode": "none", "config.environment": "staging"}
    without = dict.fromkeys(("prometheusRule.enabled", "dashboards.enabled", "metrics.podMonitor.enabled"), "true")
    manifests = render(**settings, **without)
    assert not [m["metadata"]["name"] for m in manifests if "redis" in m["metadata"]["name"]]
    assert not [m["kind"] for m in manifests if m["kind"] in {"Secret", "Job", "StatefulSet"}]
    rules = [rule for group in find(manifests, "PrometheusRule")["spec"]["groups"] for rule in group["rules"]]
    assert not [r["alert"] for r in rules if "Redis" in r.get("alert", "") or "users_api_rate_limit" in r["expr"]]
    assert [e["port"] for e in find(manifests, "PodMonitor")["spec"]["podMetricsEndpoints"]] == ["http"]


@pytest.mark.parametrize("monitor", ["", "metrics.podMonitor.enabled", "metrics.serviceMonitor.enabled"])
@pytest.mark.parametrize("exporter", ["true", "false"])
def test_each_pod_is_scraped_once(render: Render, monitor: str, exporter: str) -> None:
    """API and exporters are scraped by annotations, PodMonitor or ServiceMonitor: by one, and by one only."""
    exporters = dict.fromkeys(("redis.exporter.enabled", "postgresql.bundled.exporter.enabled"), exporter)
    manifests = render(**exporters, **({monitor: "true"} if monitor else {}))
    wanted = {"api", "redis", "postgresql-primary", "postgresql-replica"} if exporter == "true" else {"api"}
    templates = [m["spec"]["template"]["metadata"] for m in manifests if m["kind"] in {"Deployment", "StatefulSet"}]
    component = "app.kubernetes.io/component"
    annotated = {t["labels"][component] for t in templates if "prometheus.io/scrape" in t.get("annotations", {})}
    assert annotated == (set() if monitor else wanted)
    monitors = [m for m in manifests if m["kind"] in {"PodMonitor", "ServiceMonitor"}]
    assert len(monitors) == bool(monitor)
    for found in monitors:
        targets = [m for m in manifests if m["kind"] == "Service"] if found["kind"] == "ServiceMonitor" else []
        labels = [m["metadata"]["labels"] for m in targets] or [t["labels"] for t in templates]
        assert {each[component] for each in labels if selects(found["spec"]["selector"], each)} == wanted
        endpoints = found["spec"].get("endpoints", found["spec"].get("podMetricsEndpoints"))
        assert {endpoint["port"] for endpoint in endpoints} == ({"http", "metrics"} if "redis" in wanted else {"http"})


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

    before = pod_templates(CHART)
    assert {pod["metadata"]["labels"]["app.kubernetes.io/component"] for pod in before} >= {"api", "redis"}
    assert pod_templates(newer) == before
