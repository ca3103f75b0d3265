from prometheus_client import Counter, Gauge, Histogram

from ..names import METRICS

AVAILABLE = Gauge(
    f"{METRICS}redis_available",
    "1 while the circuit breaker lets calls through to Redis, 0 while it is open.",
    multiprocess_mode="livemin",
)
BREAKER_TRANSITIONS = Counter(
    f"{METRICS}redis_breaker_transitions_total",
    "Changes of the circuit breaker's state.",
    ["state"],
)
FAILURES = Counter(
    f"{METRICS}redis_failures_total",
    "Failed Redis batches and commands by reason.",
    ["reason"],
)
RETRIES = Counter(f"{METRICS}redis_retries_total", "Read batches sent a second time.")
BATCH_SECONDS = Histogram(
    f"{METRICS}redis_batch_seconds",
    "Time of one round trip to Redis, whatever number of commands it carries.",
    buckets=(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25),
)
COMMANDS = Counter(f"{METRICS}redis_commands_total", "Commands sent to Redis; divided by batches: commands a trip.")
IN_FLIGHT = Gauge(
    f"{METRICS}redis_batches_in_flight",
    "Pool connections in use: batches sent and not yet answered.",
    multiprocess_mode="livesum",
)
POOL_SIZE = Gauge(
    f"{METRICS}redis_pool_size",
    "Connections that the pool may hold.",
    multiprocess_mode="livesum",
)
