"""Rate, errors and duration of the API, as the service itself counts them."""

from k8s.chart.dashboards.autoscaling import IN_FLIGHT, READY, target
from k8s.chart.dashboards.model import Dashboard, Panel, Query, Row, Shape, lines, lines_by, number, stack_by
from k8s.chart.dashboards.promql import CONTAINERS, WINDOW, or_zero, quantile, rate, select, summed, total
from k8s.ingress.controllers import CONTROLLERS

REQUESTS = "http_requests_total"
DURATION = "http_request_duration_seconds"
FAILED = 'status=~"5.."'
REFUSED = 'status=~"401|403|429"'


def _answered_within(seconds: str) -> str:
    """Return the share of requests in the histogram's buckets up to the edge `seconds`."""
    edge = f'le="{seconds}"'
    return f"{rate(f'{DURATION}_bucket', edge)} / {rate(f'{DURATION}_count')}"


def _failed_for_clients() -> str:
    """Return the 5xx that clients got, by whichever controller counts them."""
    counted = (
        select(controller.requests, f'{controller.status}=~"5.."', pods=pods)
        for controller in CONTROLLERS
        for pods in controller.routed
    )
    return summed(" or ".join(f"rate({series}[{WINDOW}])" for series in counted), "")


def _increase_by_task(counter: str) -> str:
    return f"sum by (task) (increase({select(counter)}[5m]))"


AT_A_GLANCE = Row(
    "At a glance",
    (
        number("Requests", "Load on all replicas, refusals included.", "reqps", or_zero(rate(REQUESTS))),
        number(
            "Failed",
            "Share of requests answered with a 5xx: what the error budget is spent on.",
            "percentunit",
            or_zero(f"({or_zero(rate(REQUESTS, FAILED))}) / ({rate(REQUESTS)} > 0)"),
            warn_at=0.001,
            alarm_at=0.01,
        ),
        number(
            "95 % answered within",
            "What all but the slowest twentieth of requests wait, measured in the service.",
            "s",
            quantile(0.95, DURATION),
            warn_at=0.05,
            alarm_at=0.1,
        ),
        number(
            "Replicas scraped",
            "Pods that Prometheus reaches; fewer than run means that these dashboards see a part.",
            "short",
            total("up"),
            warn_at=2,
            alarm_at=1,
            low_is_bad=True,
        ),
    ),
)

RATE = Row(
    "Rate",
    (
        stack_by(
            "status",
            "Requests by status",
            "Is the load answered, refused (401, 403, 429) or failed (5xx)?",
            "reqps",
            rate(REQUESTS, by="status"),
        ),
        stack_by(
            "handler",
            "Requests by route",
            "Which route is the load on?",
            "reqps",
            rate(REQUESTS, by="handler"),
        ),
        lines_by(
            "pod",
            "Requests by replica",
            "Is the load spread evenly? One line apart from the others is a replica to look at.",
            "reqps",
            rate(REQUESTS, by="pod"),
        ),
        lines(
            "Requests in flight by replica",
            "What is under way, beside its target where autoscaling.inFlight scales on it too.",
            "short",
            a_replica=f"{total('users_api_requests_in_flight')} / {READY}",
            target=or_zero(target("average", f'metric_name=~"{IN_FLIGHT}"')),
        ),
    ),
)

ERRORS = Row(
    "Errors",
    (
        stack_by(
            "handler",
            "Failures by route",
            "Which route answers with a 5xx?",
            "reqps",
            or_zero(rate(REQUESTS, FAILED, by="handler"), label="handler"),
        ),
        stack_by(
            "pod",
            "Failures by replica",
            "Is it one replica that fails, or all?",
            "reqps",
            or_zero(rate(REQUESTS, FAILED, by="pod"), label="pod"),
        ),
        stack_by(
            "status",
            "Refusals",
            "Requests without a token (401), without the right (403) or above their limit (429).",
            "reqps",
            or_zero(rate(REQUESTS, REFUSED, by="status"), label="status"),
        ),
        lines(
            "Failed on the way",
            "5xx that clients got, and those the service knows of: the difference never arrived there.",
            "reqps",
            clients_got=or_zero(_failed_for_clients()),
            service_sent=or_zero(rate(REQUESTS, FAILED)),
        ),
    ),
)

LATENCY = Row(
    "Duration",
    (
        lines(
            "Time to answer",
            "How long requests take in the service; points are traces to open.",
            "s",
            p50=quantile(0.5, DURATION),
            p95=quantile(0.95, DURATION),
            p99=quantile(0.99, DURATION),
        ),
        lines_by(
            "handler",
            "95 % of each route answered within",
            "Which route is slow?",
            "s",
            quantile(0.95, DURATION, by="handler"),
        ),
        Panel(
            "Requests by duration",
            "Has the time two humps, such as cache hits and misses?",
            "s",
            (Query(rate(f"{DURATION}_bucket", by="le"), "{{le}}"),),
            Shape.HEATMAP,
        ),
        lines(
            "Answered in time",
            "Share of requests within the promised 100 ms, and within half of it.",
            "percentunit",
            within_100_ms=_answered_within("0.1"),
            within_50_ms=_answered_within("0.05"),
        ),
    ),
)

RESOURCES = Row(
    "What it takes",
    (
        lines(
            "CPU for a request",
            "Seconds of CPU for each request: what a change made dearer or cheaper.",
            "s",
            a_request=f"{rate('container_cpu_usage_seconds_total', pods=CONTAINERS)} / {rate(REQUESTS)}",
        ),
        lines_by(
            "pod",
            "Open files by replica",
            "Connections and files; a steady rise is a leak.",
            "short",
            select("process_open_fds"),
        ),
        lines(
            "Repeated requests",
            "POSTs answered with the kept answer of an earlier one of the same Idempotency-Key.",
            "reqps",
            replayed=or_zero(rate("users_api_idempotency_replays_total")),
        ),
    ),
)

BACKGROUND = Row(
    "In the background",
    (
        lines_by(
            "task",
            "Tasks that run",
            "Share of replicas in which each one runs; in the others it waits to be started again.",
            "percentunit",
            f"avg by (task) ({select('users_api_background_task_running')})",
        ),
        stack_by(
            "task",
            "Tasks started again in five minutes",
            "Each time by an exception that nobody expected: the log has it.",
            "short",
            _increase_by_task("users_api_background_task_restarts_total"),
        ),
        stack_by(
            "task",
            "Failed jobs in five minutes",
            "Short work, such as filling the cache, that ended in an exception that nobody expected.",
            "short",
            _increase_by_task("users_api_background_job_failures_total"),
        ),
    ),
)

DASHBOARD = Dashboard(
    "service",
    "Service",
    "Rate, errors and duration of the API.",
    (AT_A_GLANCE, RATE, ERRORS, LATENCY, RESOURCES, BACKGROUND),
)
