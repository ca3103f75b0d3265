from http import HTTPStatus

from fastapi import FastAPI
from prometheus_client import Counter, Histogram, disable_created_metrics
from prometheus_fastapi_instrumentator import Instrumentator
from prometheus_fastapi_instrumentator.metrics import Info

from . import tracing
from .spent import SPENT_SECONDS

# From a cache hit to a call that gave up; 0.05 and 0.1 s are promised edges.
LATENCY_BUCKETS_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 1, 2.5, 5)
# For those who look after the service.
OPERATIONAL_PATHS = frozenset({"/livez", "/readyz", "/metrics", "/api/health", "/gateway-health", "/version"})
# Probes and scrapes would count as load, and the autoscaler would follow them.
EXCLUDED = (
    *(f"^{path}$" for path in sorted(OPERATIONAL_PATHS)),
    *(r"^/docs(/|$)", r"^/openapi\.json$"),
)
LABELS = ("handler", "method", "status")
# Clients may make up methods; a label takes one of these or OTHER, or each invention would be a series of its own.
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"})
STATUSES = frozenset(str(int(status)) for status in HTTPStatus)
OTHER = "other"
NO_ROUTE = "none"

disable_created_metrics()  # type: ignore[no-untyped-call] # a series more for each one, which no query of ours reads
# The instrumentator's own families by name, label and meaning; held here for a path around it to count into them too.
REQUESTS = Counter("http_requests_total", "Total number of requests by method, status and handler.", LABELS)
DURATION = Histogram(
    "http_request_duration_seconds",
    "Duration of HTTP requests in seconds.",
    LABELS,
    buckets=LATENCY_BUCKETS_SECONDS,
)


class RequestMetrics:
    """Counts and times the requests of one route without looking its labels up each time (4 us a request)."""

    def __init__(self, handler: str, method: str, *, is_traced: bool) -> None:
        self._handler = handler
        self._method = method
        self._is_traced = is_traced
        self._bound: dict[int, tuple[Counter, Histogram]] = {}

    def announce(self) -> None:
        """Name the trace's span, if there is one, before the answer is sent, which ends it."""
        if self._is_traced:
            tracing.name_span(self._method, self._handler)

    def observe(self, status: int, seconds: float) -> None:
        """Record one answered request."""
        bound = self._bound.get(status)
        if bound is None:
            labels = (self._handler, self._method, str(status))
            bound = self._bound[status] = (REQUESTS.labels(*labels), DURATION.labels(*labels))
        bound[0].inc()
        if self._is_traced:
            bound[1].observe(seconds, _exemplar())
        else:
            bound[1].observe(seconds)


def method_label(method: str) -> str:
    """Return what a label takes of a method."""
    return method if method in METHODS else OTHER


def of_no_route(*, is_traced: bool) -> dict[str, RequestMetrics]:
    """Make, by the method's label, what counts requests that are answered before a route is looked for."""
    return {method: RequestMetrics(NO_ROUTE, method, is_traced=is_traced) for method in (*METHODS, OTHER)}


def instrument(app: FastAPI) -> None:
    """Count and time requests by route template (`none` where no route is), method and real status code."""
    instrumentator = Instrumentator(
        should_group_status_codes=False,  # 401 and 429 must not look like 404
        excluded_handlers=list(EXCLUDED),
    )
    instrumentator.add(_record)
    instrumentator.instrument(app)


def _record(info: Info) -> None:
    labels = (
        info.modified_handler,
        method_label(info.method),
        info.modified_status if info.modified_status in STATUSES else OTHER,
    )
    REQUESTS.labels(*labels).inc()
    seconds = info.modified_duration + (SPENT_SECONDS.get(info.request.scope) or 0)
    DURATION.labels(*labels).observe(seconds, _exemplar())


def _exemplar() -> dict[str, str] | None:
    """Return what leads from a bucket to a trace in it."""
    trace_id = tracing.trace_id()
    return None if trace_id is None else {"trace_id": trace_id}
