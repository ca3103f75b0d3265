import socket
from abc import abstractmethod
from ipaddress import IPv4Network, IPv6Network
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from .entries import RateLimitOverride, Seconds
from .forms import HttpUrl, KeyPrefix, Listed, Network, Origin, RedisUrl

Ratio = Annotated[float, Field(ge=0, le=1)]
Text = Annotated[str, Field(min_length=1, max_length=1024)]
Count = Annotated[int, Field(ge=1, le=1_000_000_000)]
# What an application may have another default of.
RedisAddress = Annotated[RedisUrl, Field(repr=False, description="Where Redis is; empty for none.")]
RedisPrefix = Annotated[
    KeyPrefix, Field(description="Prefix of each key and channel: installations that share a Redis need one each.")
]
ExpectedReplicas = Annotated[
    int,
    Field(
        ge=1,
        le=10_000,
        description="Replicas that share a limit while Redis is away or there is none: each process allows the limit"
        " divided by this.",
    ),
]


class CommonSettings(BaseModel):
    """What there is to set in every application; each setting is a variable that begins with the prefix."""

    # Its schema is built where one is made that is no more than this.
    model_config = ConfigDict(frozen=True, defer_build=True, hide_input_in_errors=True)

    environment: Literal["development", "staging", "production"] = Field(
        "development", description="`production` has browsers keep to https."
    )
    revision: Text = Field("unknown", description="Name of the build, which /version returns.")
    server_id: Text = Field(default_factory=socket.gethostname, description="Replica's name in answers and traces.")

    # Server
    server: Literal["uvicorn", "gunicorn", "granian"] = Field(
        "uvicorn", description="ASGI server. One process a pod is what the autoscaler counts on; see docs/decisions."
    )
    workers: Annotated[int, Field(ge=1, le=64)] = Field(1, description="Server processes in each pod.")
    host: Text = Field("127.0.0.1", description="Address or name to listen on; `::` is every IPv4 and IPv6 address.")
    port: Annotated[int, Field(ge=0, le=65535)] = Field(8000, description="Port to listen on; 0 takes a free one.")
    keep_alive_seconds: Annotated[int, Field(ge=1, le=3600)] = Field(
        75,
        description="Idle seconds before a client connection is closed. Above the ingress controller's own (60 s in"
        " ingress-nginx and ours): the side that reuses a connection must be the first to close it, or a request"
        " meets a closed socket (502).",
    )
    shutdown_delay_seconds: Annotated[float, Field(ge=0, le=600)] = Field(
        1, description="Seconds for which the server still listens after SIGTERM, so that proxies learn of its end."
    )
    shutdown_drain_seconds: Annotated[int, Field(ge=1, le=600)] = Field(
        30, description="Seconds after that in which a stopping server lets requests finish."
    )
    max_body_bytes: Count = Field(64 * 1024, description="Largest request body, in bytes.")
    max_header_bytes: Annotated[int, Field(ge=1024, le=1024 * 1024)] = Field(
        16 * 1024, description="Largest request head, in bytes."
    )
    request_receive_timeout_seconds: Seconds = Field(10, description="Seconds that a request may take to arrive.")
    max_connections: Annotated[int, Field(ge=1, le=1_000_000)] = Field(
        2048,
        description="Connections above this get 503 at once, except those of probes and scrapes. Keep it well above the"
        " idle connections of an ingress. On granian they wait, probes too, until another connection ends.",
    )
    overload_max_waiting: Annotated[int, Field(ge=0, le=100_000)] = Field(
        0,
        description="Requests that may wait for their turn in the event loop; those beyond get 503 at once, and so do"
        " many before while an overload lasts. What a process has in its own cache, probes and scrapes wait for none."
        " 0 is no limit.",
    )
    overload_wait_seconds: Seconds = Field(0.15, description="Seconds that a request waits for its turn before 503.")

    # Logs
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="Log level.")
    access_log_sample_ratio: Ratio = Field(0.01, description="Share of requests that leave an access log line, 0 to 1.")

    # Redis
    redis_url: RedisAddress = ""
    redis_key_prefix: RedisPrefix = "fleet"
    redis_username: Text | None = Field(None, description="User to log in as.")
    redis_password: SecretStr | None = Field(None, description="Its password.")
    redis_pool_size: Annotated[int, Field(ge=1, le=1000)] = Field(4, description="Connections to Redis.")
    redis_connect_timeout_seconds: Seconds = Field(0.5, description="Seconds for a connection to Redis.")
    redis_call_timeout_seconds: Seconds = Field(
        0.07,
        description="Seconds for a call to Redis. Two in a row must fit the 150 ms that a request may take while Redis"
        " hangs.",
    )
    redis_breaker_failures: Annotated[int, Field(ge=1, le=1000)] = Field(
        3, description="Failed calls in a row after which Redis is not called, until it answers probes again."
    )
    redis_probe_interval_seconds: Seconds = Field(0.4, description="Seconds between two checks whether Redis is back.")

    # Rate limit
    rate_limit_enabled: bool = Field(
        True,  # noqa: FBT003 - what pydantic calls a default
        description="Limit requests by token subject, or by client address without a token.",
    )
    rate_limit_requests: Count = Field(1200, description="Requests each client may make in a window.")
    rate_limit_window_seconds: Seconds = Field(60, description="Length of the window, in seconds.")
    rate_limit_overrides: Annotated[tuple[RateLimitOverride, ...], Listed] = Field(
        (), description="Other limits for a route or a subject: `{route?, subject?, requests, window_seconds}`."
    )
    rate_limit_expected_replicas: ExpectedReplicas = 1
    rate_limit_local_keys: Annotated[int, Field(ge=1, le=100_000_000)] = Field(
        10_000, description="Clients that each process remembers."
    )
    trusted_proxies: Annotated[tuple[Network, ...], Listed] = Field(
        (IPv4Network("127.0.0.0/8"), IPv6Network("::1/128")),
        description="Networks whose X-Forwarded-For is believed: the ingress controller's pods, i.e. the cluster's pod"
        " CIDR; also the nodes' where the controller has the host's network, and a load balancer's whose address is in"
        " the header (docs/ingress.md). Empty believes nobody, so that all clients behind an ingress share one address"
        " and one rate limit.",
    )

    # Cache
    cache_l1_bytes: Annotated[int, Field(ge=0, le=1024**4)] = Field(
        16 * 1024 * 1024, description="Memory for each process's own cache, in bytes; 0 is off."
    )
    cache_l2_enabled: bool = Field(True, description="Cache in Redis.")  # noqa: FBT003 - a default
    cache_ttl_seconds: Seconds = Field(60, description="Seconds that a cached answer is fresh.")
    cache_negative_ttl_seconds: Seconds = Field(5, description="Seconds for which it is known that there is nothing.")
    cache_stale_seconds: Annotated[float, Field(ge=0, le=86400)] = Field(
        30, description="Seconds past its freshness in which the old answer is given while it is read again."
    )
    cache_stale_if_error_seconds: Annotated[float, Field(ge=0, le=86400)] = Field(
        300, description="Seconds past its freshness in which the old answer is given if it cannot be read."
    )
    cache_compress_bytes: Count = Field(1024, description="Size from which entries in Redis are compressed.")

    # Repetitions
    idempotency_ttl_seconds: Annotated[int, Field(ge=1, le=7 * 86400)] = Field(
        86400, description="Seconds in which a repeated POST gets the first one's answer."
    )

    # Tracing
    otel_enabled: bool = Field(False, description="Send traces.")  # noqa: FBT003 - a default
    otel_endpoint: HttpUrl = Field("http://localhost:4318", repr=False, description="OTLP endpoint.")
    otel_sample_ratio: Ratio = Field(0.01, description="Share of the traces begun here that are recorded, 0 to 1.")

    # Browsers
    cors_origins: Annotated[tuple[Origin, ...], Listed] = Field((), description="Origins that browsers may call from.")

    @property
    @abstractmethod
    def variables(self) -> str:
        """What the names of the variables begin with."""

    @property
    def is_alone(self) -> bool:
        """Whether this process is the whole service, as far as settings can tell."""
        return self.workers == 1 and self.rate_limit_expected_replicas == 1

    @property
    def is_production(self) -> bool:
        """Whether real clients ask."""
        return self.environment == "production"
