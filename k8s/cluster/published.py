"""What is pulled where images can be: published images under the names that the manifests use, and charts."""

from k8s.cluster.images import (
    ALERTMANAGER,
    JAEGER,
    KUBE_STATE_METRICS,
    METRICS_SERVER,
    OTEL_COLLECTOR,
    PROMETHEUS,
    REDIS,
    REDIS_EXPORTER,
    TRAEFIK,
)
from k8s.cluster.steps import Steps

# kind v0.33.0's default.
NODE = "kindest/node:v1.37.0@sha256:a1ed56cfb0e7b93589bdf97c8cd566405a265939e3620fc4f5de89adff580ae5"
PYTHON = "python:3.11-slim-bookworm"
IMAGES = {
    METRICS_SERVER: "registry.k8s.io/metrics-server/metrics-server:v0.9.0",
    PROMETHEUS: "prom/prometheus:v3.14.0",
    KUBE_STATE_METRICS: "registry.k8s.io/kube-state-metrics/kube-state-metrics:v2.20.0",
    ALERTMANAGER: "prom/alertmanager:v0.34.1",
    JAEGER: "jaegertracing/all-in-one:1.76.0",
    OTEL_COLLECTOR: "otel/opentelemetry-collector:0.140.0",
    TRAEFIK: "traefik:v3.7.15",
    REDIS: "redis:7.4-bookworm",
    REDIS_EXPORTER: "oliver006/redis_exporter:v1.69.0",
}
# Release and namespace to repository, chart and version.
CHARTS = {
    ("grafana", "grafana"): ("https://grafana-community.github.io/helm-charts", "grafana", "12.11.1"),
    ("keda", "keda"): ("https://kedacore.github.io/charts", "keda", "2.20.2"),
    ("cert-manager", "cert-manager"): ("https://charts.jetstack.io", "cert-manager", "v1.20.3"),
}


def pull(steps: Steps) -> tuple[str, ...]:
    """Pull each image and tag it with the name that the manifests use; returns those names."""
    for name, source in IMAGES.items():
        steps.command("docker-pull", ["docker", "pull", source])
        steps.command("docker-tag", ["docker", "tag", source, name])
    return tuple(IMAGES)
