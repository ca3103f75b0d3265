"""The controllers that can serve the chart's Ingress: what each is called, and how it names what it counts."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

NAMESPACE = "ingress"
NODE_PORT = 30080
"""Of the Service that the host's port leads to (kind-config.yaml): whoever has it serves the Ingress."""


@dataclass(frozen=True)
class Controller:
    """A controller.

    Attributes:
        choice: what INGRESS says for it.
        counts: what the chart's `requestRate.ingress.controller` says for it.
        app: label `app.kubernetes.io/name` of its pods.
        workload: name of its Deployment and its Service on the local cluster.
        dashboard: file of its dashboard in the chart, without `.json`.
        metrics: how the names of all that it counts begin.
        routed: selectors of what goes to the release's Service, of which one finds it.
        status: the label of the status code.
        unit: how many of those that its times are in make a second.
        connections: expression of the open connections of clients, on all routes.
        reloads: expression of how often it took a new configuration.
        reloads_for: what it takes one for.
        of_its_own: the statuses that it answers where no pod did.
        refuses: the status of what is too much for it.
        if_empty: why it may have counted nothing of the release.
    """

    choice: str
    counts: str
    name: str
    app: str
    workload: str
    dashboard: str
    metrics: str
    routed: tuple[str, ...]
    requests: str
    status: str
    duration: str
    bytes_in: str
    bytes_out: str
    connections: str
    reloads: str
    reloads_for: str
    of_its_own: str
    refuses: int
    if_empty: str = ""
    unit: int = 1


TRAEFIK = Controller(
    choice="traefik",
    counts="traefik",
    name="Traefik",
    app="traefik",
    workload="traefik",
    dashboard="ingress-traefik",
    metrics="traefik_",
    routed=('service=~"$namespace-$release-.+@kubernetes.*"',),
    requests="traefik_service_requests_total",
    status="code",
    duration="traefik_service_request_duration_seconds",
    bytes_in="traefik_service_requests_bytes_total",
    bytes_out="traefik_service_responses_bytes_total",
    connections='sum(traefik_open_connections{entrypoint!="metrics"})',
    reloads="sum(increase(traefik_config_reloads_total[$__rate_interval]))",
    reloads_for="How often routes changed: each replica that comes or goes is one.",
    of_its_own="502 and 504",
    refuses=429,
)
# Its own `namespace` gives way to that of the pod which is scraped, unless the scrape honours labels.
INGRESS_NGINX = Controller(
    choice="nginx",
    counts="nginx",
    name="ingress-nginx",
    app="ingress-nginx",
    workload="ingress-nginx-controller",
    dashboard="ingress-nginx",
    metrics="nginx_ingress_controller_",
    routed=(
        'exported_namespace="$namespace",ingress="$release"',
        'exported_namespace="",namespace="$namespace",ingress="$release"',
    ),
    requests="nginx_ingress_controller_requests",
    status="status",
    duration="nginx_ingress_controller_request_duration_seconds",
    bytes_in="nginx_ingress_controller_request_size_sum",
    bytes_out="nginx_ingress_controller_response_size_sum",
    connections='sum(nginx_ingress_controller_nginx_process_connections{state="active"})',
    reloads="sum(increase(nginx_ingress_controller_success[$__rate_interval]))",
    reloads_for="How often it reloaded nginx, as for another Ingress; replicas and certificates change without.",
    of_its_own="502 and 504",
    refuses=503,
    if_empty="It counts no requests of any host, or of a wildcard, unless it runs with --metrics-per-host=false.",
)
# By the Service that it sends to, whatever Ingress or path leads there.
CONTOUR = Controller(
    choice="contour",
    counts="envoy",
    name="Contour",
    app="contour",
    workload="contour",
    dashboard="ingress-contour",
    metrics="envoy_",
    routed=('envoy_cluster_name=~"$namespace[_]$release[_][0-9]+"',),
    requests="envoy_cluster_upstream_rq",
    status="envoy_response_code",
    duration="envoy_cluster_upstream_rq_time",
    bytes_in="envoy_cluster_upstream_cx_tx_bytes_total",
    bytes_out="envoy_cluster_upstream_cx_rx_bytes_total",
    connections='sum(envoy_http_downstream_cx_active{envoy_http_conn_manager_prefix=~"ingress_https?"})',
    reloads="sum(increase(envoy_cluster_membership_change[$__rate_interval]))",
    reloads_for="How often the pods of a Service changed: each replica that comes or goes is one.",
    of_its_own="503 and 504",
    refuses=503,
    unit=1000,
)
CONTROLLERS = (TRAEFIK, INGRESS_NGINX, CONTOUR)


def serving(services: Iterable[Mapping[str, Any]]) -> Controller | None:
    """Return which controller the host's port leads to, by the Services of `NAMESPACE` as the API has them."""
    for service in services:
        if any(port.get("nodePort") == NODE_PORT for port in service["spec"]["ports"]):
            for controller in CONTROLLERS:
                if controller.workload == service["metadata"]["name"]:
                    return controller
    return None
