from prometheus_client import Counter, Gauge, Histogram

from ..names import METRICS

REQUESTS = Counter(f"{METRICS}cache_requests_total", "Cache look-ups by where the answer came from.", ["tier"])
LOADS = Counter(f"{METRICS}cache_loads_total", "Loads from the source by outcome.", ["outcome"])
LOAD_SECONDS = Histogram(
    f"{METRICS}cache_load_seconds",
    "Time of one load from the source.",
    buckets=(0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5),
)
RELOADS = Counter(
    f"{METRICS}cache_reloads_total", "Loads repeated on the primary: the first was older than what was known."
)
REFRESHES = Counter(f"{METRICS}cache_refreshes_total", "Background refreshes by reason.", ["reason"])
EVICTIONS = Counter(f"{METRICS}cache_l1_evictions_total", "L1 entries dropped to stay within the byte limit.")
L1_BYTES = Gauge(f"{METRICS}cache_l1_bytes", "Bytes held by L1.", multiprocess_mode="livesum")
L2_ERRORS = Counter(f"{METRICS}cache_l2_errors_total", "L2 operations that failed by operation.", ["operation"])
INVALIDATIONS = Counter(f"{METRICS}cache_invalidations_total", "Invalidations by direction.", ["direction"])
UNHEARD = Counter(
    f"{METRICS}cache_unheard_writes_total",
    "Writes acknowledged though a replica that listens had not answered, for as long as it may trust its L1.",
)
CHANNEL_UP = Gauge(
    f"{METRICS}cache_invalidation_channel_up",
    "1 while writes of other replicas reach this one.",
    multiprocess_mode="livemin",
)

LOADED = LOADS.labels("ok")
LOAD_FAILED = LOADS.labels("error")
HIT_L1 = REQUESTS.labels("l1")
HIT_L2 = REQUESTS.labels("l2")
MISS = REQUESTS.labels("miss")
STALE = REQUESTS.labels("stale")
