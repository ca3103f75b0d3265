from prometheus_client import Counter, Gauge, Histogram

AVAILABLE = Gauge(
    "users_api_database_available",
    "1 while the circuit breaker lets statements through to the server, 0 while it is open.",
    ["target"],
    multiprocess_mode="livemin",
)
SCHEMA_REVISION = Gauge(
    "users_api_database_schema_revision",
    "Number of the schema's last `expand` revision, as last seen: 0 without a schema, NaN where it may not be read.",
    ["target"],
    multiprocess_mode="livemin",
)
SCHEMA_NEEDED = Gauge(
    "users_api_database_schema_needed",
    "Number of the last `expand` revision that this version's statements need.",
    ["target"],
    multiprocess_mode="livemax",
)
BREAKER_TRANSITIONS = Counter(
    "users_api_database_breaker_transitions_total",
    "Changes of the circuit breaker's state.",
    ["target", "state"],
)
FAILURES = Counter(
    "users_api_database_failures_total",
    "Statements and probes that brought no answer, by name and reason.",
    ["target", "query", "reason"],
)
RETRIES = Counter("users_api_database_retries_total", "Statements sent a second time.", ["query"])
READS = Counter(
    "users_api_database_reads_total",
    "Reads by the server that answered, and how old the answer may be: now (the primary's), bounded (a replica's, up to"
    " 1 s), unbounded (a replica's while the primary is away).",
    ["target", "age"],
)
STALENESS = Gauge(
    "users_api_database_replica_staleness_seconds",
    "How far the replica is behind the primary, at most, as last sampled; NaN where that is not known.",
    ["target"],
    multiprocess_mode="livemax",
)
RESTS = Counter(
    "users_api_database_replica_rests_total",
    "How often a replica was left alone for a second, as it lagged or brought no answer.",
    ["target", "reason"],
)
QUERY_SECONDS = Histogram(
    "users_api_database_query_seconds",
    "Time of one statement from sending it to its last row.",
    ["query", "target"],
    buckets=(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1),
)
POOL_SIZE = Gauge(
    "users_api_database_pool_size",
    "Connections that the pool may hold.",
    ["target"],
    multiprocess_mode="livesum",
)
POOL_IN_USE = Gauge(
    "users_api_database_pool_in_use",
    "Connections that carry a statement, are being made, or wait for the end of a cancelled statement.",
    ["target"],
    multiprocess_mode="livesum",
)
POOL_IDLE = Gauge(
    "users_api_database_pool_idle",
    "Connections that wait for work.",
    ["target"],
    multiprocess_mode="livesum",
)
POOL_WAITING = Gauge(
    "users_api_database_pool_waiting",
    "Requests that wait for a connection.",
    ["target"],
    multiprocess_mode="livesum",
)
WAIT_SECONDS = Histogram(
    "users_api_database_wait_seconds",
    "Time that requests waited for a connection, in vain or not; those that found one at once are not counted.",
    ["target"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1),
)
SHED = Counter(
    "users_api_database_shed_total",
    "Statements refused without being sent: too many waited (full), or none came free in time (waited).",
    ["target", "refusal"],
)
