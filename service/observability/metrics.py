from fastapi import FastAPI
from prometheus_fastapi_instrumentator import Instrumentator, metrics

# From a cache hit to a call that gave up; 0.05 and 0.1 s are promised edges.
LATENCY_BUCKETS_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 1, 2.5, 5)
# Probes and scrapes would count as load, and the autoscaler would follow them.
EXCLUDED = (r"^/metrics$", r"^/livez$", r"^/readyz$", r"^/api/health$", r"^/version$", r"^/docs", r"^/openapi\.json$")
# Made once a process: a second app in it (tests have many) counts into the same families.
_INSTRUMENTATIONS = (metrics.requests(), metrics.latency(buckets=LATENCY_BUCKETS_SECONDS))


def instrument(app: FastAPI) -> None:
    """Count and time requests by route template, method and real status code, and serve /metrics."""
    instrumentator = Instrumentator(
        should_group_status_codes=False,  # 401 and 429 must not look like 404
        excluded_handlers=list(EXCLUDED),
    )
    instrumentator.add(*_INSTRUMENTATIONS)
    instrumentator.instrument(app).expose(app, include_in_schema=False)
