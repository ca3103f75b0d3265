from prometheus_client import Counter, Gauge

from ..names import METRICS

IN_FLIGHT = Gauge(
    f"{METRICS}requests_in_flight",
    "Requests that are being answered or wait for that: neither those that L1 answers, nor probes and scrapes.",
    multiprocess_mode="livesum",
)
LIMIT = Gauge(
    f"{METRICS}requests_waiting_limit",
    "How many may wait for their turn at present; +Inf where there is no limit.",
    multiprocess_mode="livesum",
)
REFUSED = Counter(
    f"{METRICS}requests_refused_total",
    "Requests refused as there was too much to do: too many waited (full), or the turn did not come in time (waited).",
    ["refusal"],
)
