from collections.abc import Iterator
from pathlib import Path
from typing import Any

from service.credentials.plan import Plan
from tests.chart.conftest import EVERYTHING, WORKLOADS, Manifest, Render, find, pods, selects

# What a values file says is the user's own, and what CloudNativePG makes beside its Cluster.
GIVEN = {"Secret/users-api-redis", "Secret/database-owner", "Secret/pooler-tls", "ConfigMap/database-ca"}
GIVEN |= {"Secret/users-api-owner", "Secret/users-api-app", "ConfigMap/users-api-postgresql-ca"}
GIVEN |= {"Secret/users-api-postgresql-ca"}


def _named(manifests: list[Manifest]) -> set[str]:
    made = {f"{manifest['kind']}/{manifest['metadata']['name']}" for manifest in manifests}
    # cert-manager makes the Secret that a Certificate names, and the Job those of its plan.
    made |= {f"Secret/{m['spec']['secretName']}" for m in manifests if m["kind"] == "Certificate"}
    return made | {f"Secret/{name}" for name in _planned(manifests)}


def _planned(manifests: list[Manifest]) -> Iterator[str]:
    for manifest in manifests:
        if manifest["kind"] == "Job" and manifest["metadata"]["name"] == "users-api-credentials":
            plan = Plan.model_validate_json(pods([manifest]).popitem()[1]["containers"][0]["args"][0])
            yield from (passwords.secret for passwords in plan.passwords)
            yield from (certificate.secret for certificate in plan.certificates)


def _containers(spec: Manifest) -> list[Manifest]:
    return [*spec.get("initContainers", []), *spec["containers"]]


def _references(spec: Manifest) -> Iterator[str]:
    """Objects that a pod's spec needs before it can start."""
    if spec.get("serviceAccountName"):
        yield f"ServiceAccount/{spec['serviceAccountName']}"
    for volume in spec.get("volumes", []):
        if "configMap" in volume:
            yield f"ConfigMap/{volume['configMap']['name']}"
        if "secret" in volume:
            yield f"Secret/{volume['secret']['secretName']}"
        if "persistentVolumeClaim" in volume:
            yield f"PersistentVolumeClaim/{volume['persistentVolumeClaim']['claimName']}"
    for container in _containers(spec):
        for source in container.get("envFrom", []):
            yield from (f"{kind}/{source[key]['name']}" for key, kind in KINDS.items() if key in source)
        for entry in container.get("env", []):
            yield from (f"{KINDS[key]}/{found['name']}" for key, found in _sources(entry) if key in KINDS)


KINDS = {"configMapRef": "ConfigMap", "secretRef": "Secret", "configMapKeyRef": "ConfigMap", "secretKeyRef": "Secret"}


def _sources(entry: Manifest) -> list[tuple[str, Any]]:
    return list(entry.get("valueFrom", {}).items())


def test_pods_need_only_what_the_release_makes(render: Render, values: list[Path]) -> None:
    """Each ConfigMap, Secret and ServiceAccount that a pod names is rendered too, or said to be the operator's."""
    manifests = render(*values)
    for name, spec in pods(manifests).items():
        assert set(_references(spec)) <= _named(manifests) | GIVEN, name


def test_mounts_name_volumes_and_no_variable_is_set_twice(render: Render, values: list[Path]) -> None:
    """Each mount is of a volume that its pod has, and each container sets a variable once."""
    manifests = render(*values)
    for name, spec in pods(manifests).items():
        volumes = {volume["name"] for volume in spec.get("volumes", [])}
        for container in _containers(spec):
            assert {mount["name"] for mount in container.get("volumeMounts", [])} <= volumes, name
            variables = [entry["name"] for entry in container.get("env", [])]
            assert len(variables) == len(set(variables)), name


def test_probes_ask_ports_that_are_open(render: Render, values: list[Path]) -> None:
    """Each HTTP probe asks a port that its container names, none below 1024."""
    for name, spec in pods(render(*values)).items():
        for container in _containers(spec):
            ports = {port["name"]: port["containerPort"] for port in container.get("ports", [])}
            assert all(number >= 1024 for number in ports.values()), name
            for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
                if "httpGet" in container.get(probe, {}):
                    assert container[probe]["httpGet"]["port"] in ports, name


def test_services_and_policies_select_pods_with_their_ports(render: Render, values: list[Path]) -> None:
    """Each Service and each NetworkPolicy selects a pod of the release, and a Service's target is a port of it."""
    manifests = render(*values)
    templates = [_pod(manifest) for manifest in manifests if _has_pod(manifest)]
    for manifest in manifests:
        if manifest["kind"] not in {"Service", "NetworkPolicy"}:
            continue
        spec = manifest["spec"]
        selector = {"matchLabels": spec["selector"]} if manifest["kind"] == "Service" else spec["podSelector"]
        if "cnpg.io/cluster" in selector.get("matchLabels", {}):  # whose pods its operator makes
            continue
        selected = [t for t in templates if selects(selector, t["metadata"]["labels"])]
        assert selected, manifest["metadata"]["name"]
        if manifest["kind"] == "Service":
            ports = [port for t in selected for c in t["spec"]["containers"] for port in c.get("ports", [])]
            targets = {port["name"] for port in ports} | {port["containerPort"] for port in ports}
            assert {port["targetPort"] for port in spec["ports"]} <= targets


def _has_pod(manifest: Manifest) -> bool:
    return manifest["kind"] in {"Pod", "CronJob", *WORKLOADS}


def _pod(manifest: Manifest) -> Manifest:
    if manifest["kind"] == "Pod":
        return manifest
    job: Manifest = manifest["spec"]["jobTemplate"] if manifest["kind"] == "CronJob" else manifest
    template: Manifest = job["spec"]["template"]
    return template


def test_ways_in_lead_to_the_service(render: Render) -> None:
    """Ingress and HTTPRoute name a Service of the release and a port of it."""
    manifests = render(EVERYTHING)
    service = find(manifests, "Service")
    ports = service["spec"]["ports"]
    backends = [
        path["backend"]["service"] for r in find(manifests, "Ingress")["spec"]["rules"] for path in r["http"]["paths"]
    ]
    assert backends
    assert all(b["name"] == "users-api" and b["port"].get("name") in {p["name"] for p in ports} for b in backends)
    routed = [backend for rule in find(manifests, "HTTPRoute")["spec"]["rules"] for backend in rule["backendRefs"]]
    assert routed
    assert all(b["name"] == "users-api" and b["port"] in {p["port"] for p in ports} for b in routed)


def test_autoscalers_target_the_deployment(render: Render) -> None:
    """Each autoscaler scales the Deployment of the release, and never down to one."""
    for manifest in [find(render(), "HorizontalPodAutoscaler"), find(render(EVERYTHING), "ScaledObject")]:
        spec = manifest["spec"]
        assert spec["scaleTargetRef"] == {"apiVersion": "apps/v1", "kind": "Deployment", "name": "users-api"}
        assert spec.get("minReplicas", spec.get("minReplicaCount")) >= 2
