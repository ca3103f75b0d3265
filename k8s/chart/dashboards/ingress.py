"""The way in, as the Ingress controller counts it: what clients get, whoever is to blame.

Controllers name their metrics each in its own way, so there is one dashboard for each of the two that serve the chart's
Ingress, with the same panels.
"""

from dataclasses import dataclass

from k8s.chart.dashboards.model import Dashboard, Row, lines, number, stack_by
from k8s.chart.dashboards.promql import or_zero, rate


@dataclass(frozen=True)
class Controller:
    """How a controller names what it counts.

    Attributes:
        routed: selects what goes to the release's Service.
        status: the label of the status code.
        connections: expression of the open connections of clients, on all routes.
        reloads: expression of how often it took a new configuration.
    """

    slug: str
    name: str
    routed: str
    requests: str
    status: str
    duration: str
    bytes_in: str
    bytes_out: str
    connections: str
    reloads: str


TRAEFIK = Controller(
    slug="ingress-traefik",
    name="Traefik",
    routed='service=~"$namespace-$release-.+@kubernetes.*"',
    requests="traefik_service_requests_total",
    status="code",
    duration="traefik_service_request_duration_seconds",
    bytes_in="traefik_service_requests_bytes_total",
    bytes_out="traefik_service_responses_bytes_total",
    connections='sum(traefik_open_connections{entrypoint!="metrics"})',
    reloads="sum(increase(traefik_config_reloads_total[$__rate_interval]))",
)
# Its own `namespace` gives way to that of the pod which is scraped.
INGRESS_NGINX = Controller(
    slug="ingress-nginx",
    name="ingress-nginx",
    routed='exported_namespace="$namespace",ingress="$release"',
    requests="nginx_ingress_controller_requests",
    status="status",
    duration="nginx_ingress_controller_request_duration_seconds",
    bytes_in="nginx_ingress_controller_request_size_sum",
    bytes_out="nginx_ingress_controller_response_size_sum",
    connections='sum(nginx_ingress_controller_nginx_process_connections{state="active"})',
    reloads="sum(increase(nginx_ingress_controller_success[$__rate_interval]))",
)


def dashboard(controller: Controller) -> Dashboard:
    """Return the dashboard of one controller."""

    def routed(metric: str, *matchers: str, by: str = "") -> str:
        return rate(metric, *matchers, by=by, pods=controller.routed)

    def quantile(share: float) -> str:
        return f"histogram_quantile({share}, {routed(f'{controller.duration}_bucket', by='le')})"

    answered = routed(controller.requests)
    failed = f'{controller.status}=~"5.."'
    failed_or_zero = f"{routed(controller.requests, failed)} or 0 * {answered}"
    return Dashboard(
        controller.slug,
        f"Ingress ({controller.name})",
        f"The way in, as {controller.name} counts it: what clients get, whoever is to blame.",
        (
            Row(
                "At a glance",
                (
                    number("Requests", "Load of the release's Ingress.", "reqps", answered),
                    number(
                        "Failed",
                        "Share answered with a 5xx, by the service or for want of it.",
                        "percentunit",
                        f"({failed_or_zero}) / ({answered} > 0)",
                        warn_at=0.001,
                        alarm_at=0.01,
                    ),
                    number(
                        "95 % answered within",
                        "What clients wait, connections to the pods included.",
                        "s",
                        quantile(0.95),
                        warn_at=0.1,
                        alarm_at=0.5,
                    ),
                    number("Connections", "Of clients, on all routes.", "short", controller.connections),
                ),
            ),
            Row(
                "Traffic",
                (
                    stack_by(
                        controller.status,
                        "Requests by status",
                        "What clients get: 502 and 504 are the controller's own, for a pod that does not answer.",
                        "reqps",
                        routed(controller.requests, by=controller.status),
                    ),
                    lines(
                        "Time to answer",
                        "As clients see it but for their own network; buckets are the controller's.",
                        "s",
                        p50=quantile(0.5),
                        p95=quantile(0.95),
                        p99=quantile(0.99),
                    ),
                    lines(
                        "Failed on the way",
                        "5xx that clients got, and those the service knows of: the difference never arrived there.",
                        "reqps",
                        clients_got=failed_or_zero,
                        service_sent=or_zero(rate("http_requests_total", 'status=~"5.."')),
                    ),
                    lines(
                        "Bytes",
                        "Size of what comes and goes.",
                        "Bps",
                        received=routed(controller.bytes_in),
                        sent=routed(controller.bytes_out),
                    ),
                    lines(
                        "Configurations taken",
                        "How often routes changed: each replica that comes or goes is one.",
                        "short",
                        taken=controller.reloads,
                    ),
                ),
            ),
        ),
    )


CONTROLLERS = (TRAEFIK, INGRESS_NGINX)
DASHBOARDS = tuple(map(dashboard, CONTROLLERS))
