"""Which value of the chart sets which setting. A setting that is not named here is set by `config.extra`."""

from dataclasses import dataclass

SAME = object()


@dataclass(frozen=True)
class Value:
    """A value that is a setting, and has its description, type, bounds and default except for what is said here."""

    path: str
    setting: str
    # Where the chart means something else than a service on its own.
    default: object = SAME
    # What only a reader of the chart needs to know.
    note: str = ""


@dataclass(frozen=True)
class OwnValue:
    """A value beside them that is not a setting."""

    path: str
    default: object
    description: str
    annotation: str = ""


VALUES = (
    Value(
        "config.environment",
        "environment",
        default="production",
        note="The default is the safe one: without auth.jwt every call to /api/users gets 401, and NOTES.txt says so.",
    ),
    Value("config.server", "server"),
    Value("config.workers", "workers"),
    Value("config.logLevel", "log_level"),
    Value("config.accessLogSampleRatio", "access_log_sample_ratio"),
    Value("config.keepAliveSeconds", "keep_alive_seconds"),
    Value("config.shutdownDelaySeconds", "shutdown_delay_seconds", note="It begins after the preStop sleep."),
    Value("config.shutdownDrainSeconds", "shutdown_drain_seconds"),
    Value("config.maxBodyBytes", "max_body_bytes"),
    Value("config.trustedProxies", "trusted_proxies", default=[]),
    Value("config.corsOrigins", "cors_origins"),
    Value("config.docsEnabled", "docs_enabled"),
    Value("config.faultsEnabled", "faults_enabled"),
    Value("config.databasePoolSize", "database_pool_size"),
    Value("config.rateLimit.enabled", "rate_limit_enabled"),
    Value("config.rateLimit.requests", "rate_limit_requests"),
    Value("config.rateLimit.windowSeconds", "rate_limit_window_seconds"),
    Value("config.rateLimit.overrides", "rate_limit_overrides"),
    OwnValue(
        "config.extra",
        {},
        'Any further setting of the service by its environment name, such as `USERS_API_CACHE_TTL_SECONDS: "30"`;'
        " docs/settings.md lists them.",
        'additionalProperties: {type: [string, number, boolean, array, "null"]}',
    ),
    Value("auth.jwt.jwksUrl", "jwt_jwks_url"),
    Value("auth.jwt.issuer", "jwt_issuer"),
    Value("auth.jwt.audience", "jwt_audience"),
    Value("auth.jwt.leewaySeconds", "jwt_leeway_seconds"),
    Value(
        "auth.staticTokens",
        "static_tokens",
        default=[],
        note="A list of `{token or sha256, subject, scopes}`. Only hashes reach the cluster.",
    ),
    OwnValue(
        "auth.existingSecret",
        "",
        "Secret whose key `static-tokens` holds the JSON list of token hashes; instead of staticTokens.",
        "text: name",
    ),
    Value("tracing.enabled", "otel_enabled"),
    Value(
        "tracing.endpoint",
        "otel_endpoint",
        default="",
        note="For example http://otel-collector.observability.svc:4318. Needed when enabled.",
    ),
    Value("tracing.sampleRatio", "otel_sample_ratio"),
)

# Settings that the chart makes of other values, or has no choice in, and what to do instead of setting them.
MADE_BY_THE_CHART = {
    "host": "the chart sets it, for pods",
    "port": "the chart sets it, as probes and Service know it",
    "server_id": "it is the pod's name",
    "static_tokens": "set auth.staticTokens or auth.existingSecret",
    "redis_url": "set redis.enabled or redis.external",
    "redis_username": "set redis.auth or redis.external.existingSecret",
    "redis_password": "set redis.auth or redis.external.existingSecret",
    "database_url": "set postgresql.mode; a URL with a password belongs in a Secret, which"
    " postgresql.roles.app.existingSecret and urlKey name",
    "database_replica_urls": "set postgresql.external.replicas, or another postgresql.mode",
    "database_username": "set postgresql.roles.app",
    "database_password": "it belongs in a Secret: set postgresql.roles.app.existingSecret",
    "rate_limit_expected_replicas": "it is autoscaling.minReplicas, or replicaCount where that is fixed",
}

# What the rules call the settings that are several values, or that only some values make.
NAMES = {
    "static_tokens": "auth.staticTokens or auth.existingSecret",
    "database_url": "postgresql.mode",
    "database_replica_urls": "postgresql.external.replicas",
}
