from prometheus_client import Counter, Gauge

from ..names import METRICS

DENIED = Counter(f"{METRICS}rate_limit_denied_total", "Requests answered with 429.")
DEGRADED = Counter(
    f"{METRICS}rate_limit_degraded_total",
    "Decisions taken on this process's local share of a limit because Redis could not be asked.",
)
LEASES = Counter(
    f"{METRICS}rate_limit_leases_total",
    "Leases asked of Redis by outcome; beside the request rate: Redis trips a request.",
    ["outcome"],
)
PERMITS = Counter(f"{METRICS}rate_limit_permits_total", "Permits leased from Redis and returned unused.", ["kind"])
KEYS = Gauge(
    f"{METRICS}rate_limit_local_keys",
    "Keys whose state this process holds.",
    multiprocess_mode="livesum",
)

LEASED = LEASES.labels("granted")
REFUSED = LEASES.labels("refused")
FAILED = LEASES.labels("failed")
GRANTED = PERMITS.labels("granted")
RETURNED = PERMITS.labels("returned")
