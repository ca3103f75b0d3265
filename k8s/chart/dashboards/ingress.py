"""The way in, as the Ingress controller counts it: what clients get, whoever is to blame.

Controllers name their metrics each in its own way, so there is one dashboard for each that serves the chart's Ingress,
with the same panels.
"""

from k8s.chart.dashboards.model import AUTOSCALED, Dashboard, Row, lines, number, stack_by
from k8s.chart.dashboards.promql import WINDOW, select, summed
from k8s.ingress.controllers import CONTROLLERS, Controller


def dashboard(controller: Controller) -> Dashboard:
    """Return the dashboard of one controller."""

    def routed(metric: str, *matchers: str, by: str = "") -> str:
        rates = (f"rate({select(metric, *matchers, pods=pods)}[{WINDOW}])" for pods in controller.routed)
        return summed(" or ".join(rates), by)

    def quantile(share: float) -> str:
        found = f"histogram_quantile({share}, {routed(f'{controller.duration}_bucket', by='le')})"
        return found if controller.unit == 1 else f"{found} / {controller.unit}"

    answered = routed(controller.requests)
    failed = f'{controller.status}=~"5.."'
    failed_or_zero = f"{routed(controller.requests, failed)} or 0 * {answered}"
    purpose = f"The way in, as {controller.name} counts it: what clients get, whoever is to blame."
    return Dashboard(
        controller.dashboard,
        f"Ingress ({controller.name})",
        f"{purpose} {controller.if_empty}".strip(),
        (
            Row(
                "At a glance",
                (
                    number(
                        "Requests", "Load of the release's Ingress.", "reqps", answered, if_empty=controller.if_empty
                    ),
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
                        f"What clients get: {controller.of_its_own} are the controller's own, where no pod answers.",
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
                        "Bytes",
                        "Size of what comes and goes.",
                        "Bps",
                        received=routed(controller.bytes_in),
                        sent=routed(controller.bytes_out),
                    ),
                    lines(
                        "Configurations taken",
                        controller.reloads_for,
                        "short",
                        taken=controller.reloads,
                    ),
                ),
            ),
        ),
        AUTOSCALED,
    )


DASHBOARDS = tuple(map(dashboard, CONTROLLERS))
