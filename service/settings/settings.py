import os
import socket
from functools import cached_property
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, model_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, InitSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from service import NAME
from service.settings import environment
from service.settings.entries import RateLimitOverride, Seconds, StaticToken
from service.settings.forms import HttpUrl, KeyPrefix, Listed, Network, Origin, PostgresServerUrl, PostgresUrl, RedisUrl
from service.settings.rules import RULES

Ratio = Annotated[float, Field(ge=0, le=1)]
Text = Annotated[str, Field(min_length=1, max_length=1024)]
Count = Annotated[int, Field(ge=1, le=1_000_000_000)]

# What `curl -H "Authorization: Bearer test-token"` sends in development; hashed like any other.
TEST_TOKEN_SHA256 = "4c5dc9b7708905f77f5e5d16316b5dfb425e68cb326dcd55a860e90a7707031e"  # noqa: S105 - a hash of a public token


class Settings(BaseSettings):
    """All there is to set, read once from `USERS_API_*` environment variables; lists and objects are JSON.

    A line here is all that a setting needs. `repr=False` keeps what may hold a password out of every message.
    """

    model_config = SettingsConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    environment: Literal["development", "staging", "production"] = Field(
        "development",
        description="`development` accepts the token `test-token` and shows /docs; `production` refuses static tokens"
        " and fault endpoints.",
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
        " ingress-nginx and our Traefik): the side that reuses a connection must be the first to close it, or a request"
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

    # Authentication
    static_tokens: Annotated[tuple[StaticToken, ...], Listed] | None = Field(
        None, repr=False, description="Bearer tokens for development and staging, given by their hashes."
    )
    jwt_jwks_url: HttpUrl | None = Field(
        None, repr=False, description="URL of the issuer's key set. Needed in production."
    )
    jwt_jwks_file: Path | None = Field(None, description="File with the issuer's key set, instead of a URL.")
    jwt_issuer: Text | None = Field(None, description="Required `iss` claim.")
    jwt_audience: Text | None = Field(None, description="Required `aud` claim.")
    jwt_leeway_seconds: Annotated[float, Field(ge=0, le=300)] = Field(
        30, description="Seconds by which the issuer's clock may differ."
    )
    jwt_jwks_refresh_seconds: Seconds = Field(300, description="Seconds between two readings of the key set.")

    # Redis
    redis_url: RedisUrl = Field("redis://127.0.0.1:6379/0", repr=False, description="Where Redis is; empty for none.")
    redis_key_prefix: KeyPrefix = Field(
        NAME, description="Prefix of each key and channel: installations that share a Redis need one each."
    )
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

    # PostgreSQL
    database_url: PostgresUrl = Field(
        "",
        repr=False,
        description="Where PostgreSQL is; of several hosts the one that takes writes is used. Empty: each process makes"
        " up a thousand users of its own, for development.",
    )
    database_replica_urls: Annotated[tuple[PostgresServerUrl, ...], Listed] = Field(
        (),
        repr=False,
        description="Where its replicas are. They answer reads that may be up to a second old. Each address has a pool"
        " of its own.",
    )
    database_username: Text | None = Field(None, description="Role to log in as, instead of the URL's.")
    database_password: SecretStr | None = Field(None, description="Its password.")
    database_pool_size: Annotated[int, Field(ge=1, le=1000)] = Field(
        8, description="Connections of each process. All processes together must fit the server's max_connections."
    )
    database_max_waiting: Annotated[int, Field(ge=0, le=100_000)] = Field(
        256, description="Requests that may wait for a connection; those beyond get 503 at once."
    )
    database_wait_seconds: Seconds = Field(
        0.25,
        description="Seconds that a request waits for others to give back a connection. While one is being opened it"
        " waits for as long as an operation may take.",
    )
    database_connect_timeout_seconds: Seconds = Field(
        0.5,
        description="Seconds for a new connection while there is no other. The first, further ones, and those to a"
        " server that counts as away may take 5.",
    )
    database_operation_timeout_seconds: Seconds = Field(
        0.9, description="Seconds for a read or a write in all: the wait, the connection and a second try included."
    )
    database_idle_seconds: Seconds = Field(60, description="Seconds after which an unused connection is closed.")
    database_breaker_failures: Annotated[int, Field(ge=1, le=1000)] = Field(
        3, description="Failures in a row after which PostgreSQL is not asked, until it answers probes again."
    )
    database_probe_interval_seconds: Seconds = Field(0.5, description="Seconds between two checks whether it is back.")
    database_slow_query_seconds: Seconds = Field(
        0.2, description="Statements that take this long or longer leave a log line."
    )

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
    rate_limit_expected_replicas: Annotated[int, Field(ge=1, le=10_000)] = Field(
        3,
        description="Replicas that share a limit while Redis is away or there is none: each process allows the limit"
        " divided by this.",
    )
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
    cache_ttl_seconds: Seconds = Field(60, description="Seconds that a cached user is fresh.")
    cache_negative_ttl_seconds: Seconds = Field(5, description="Seconds for which a missing user is remembered.")
    cache_stale_seconds: Annotated[float, Field(ge=0, le=86400)] = Field(
        30, description="Seconds past its freshness in which the old answer is given while the user is read again."
    )
    cache_stale_if_error_seconds: Annotated[float, Field(ge=0, le=86400)] = Field(
        300, description="Seconds past its freshness in which the old answer is given if the user cannot be read."
    )
    cache_compress_bytes: Count = Field(1024, description="Size from which entries in Redis are compressed.")
    fast_path_enabled: bool = Field(True, description="Answer cached reads before FastAPI.")  # noqa: FBT003 - a default

    idempotency_ttl_seconds: Annotated[int, Field(ge=1, le=7 * 86400)] = Field(
        86400, description="Seconds in which a repeated POST gets the first one's answer."
    )

    # Browsers
    cors_origins: Annotated[tuple[Origin, ...], Listed] = Field((), description="Origins that browsers may call from.")
    docs_enabled: bool | None = Field(
        None, description="Serve /docs and /openapi.json; everywhere but in production when left out."
    )

    # Tracing
    otel_enabled: bool = Field(False, description="Send traces.")  # noqa: FBT003 - a default
    otel_endpoint: HttpUrl = Field("http://localhost:4318", repr=False, description="OTLP endpoint.")
    otel_sample_ratio: Ratio = Field(0.01, description="Share of the traces begun here that are recorded, 0 to 1.")

    # What tests break the service with.
    faults_enabled: bool = Field(
        False,  # noqa: FBT003 - a default
        description="Serve /api/faults/*, which burn CPU, sleep and fail on request. Refused in production.",
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - ours sees the names that are no settings too
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - not read
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - likewise
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Return what is passed, then the environment."""
        found = environment.read(os.environ, cls.model_fields)
        return init_settings, InitSettingsSource(settings_cls, init_kwargs=found)

    @model_validator(mode="after")
    def _keeps_the_rules(self) -> Self:
        names = {name: f"{environment.PREFIX}{name.upper()}" for name in type(self).model_fields}
        settings = dict(self)
        broken = [rule for rule in RULES if all(condition.holds(settings) for condition in rule.conditions)]
        if broken:
            raise PydanticCustomError("rule", "\n".join(rule.remedy.format(**names) for rule in broken))
        return self

    @model_validator(mode="after")
    def _names_a_role(self) -> Self:
        if self.database_url and self.database_username is None and not environment.names_a_role(self.database_url):
            prefix = environment.PREFIX
            message = (
                "{prefix}DATABASE_URL names no role, nor has this process' user a name: set {prefix}DATABASE_USERNAME"
            )
            raise PydanticCustomError("nameless", message, {"prefix": prefix})
        return self

    @cached_property
    def tokens(self) -> tuple[StaticToken, ...]:
        """The static tokens in force: those set, else `test-token` in development, else none."""
        if self.static_tokens is not None:
            return self.static_tokens
        if self.environment == "development":
            scopes = frozenset({"users:read", "users:write"})
            return (StaticToken(sha256=TEST_TOKEN_SHA256, subject="developer", scopes=scopes),)
        return ()

    @property
    def is_alone(self) -> bool:
        """Whether this process is the whole service, as far as settings can tell."""
        return self.workers == 1 and self.rate_limit_expected_replicas == 1

    @property
    def docs_are_served(self) -> bool:
        """Whether /docs answers: as set, else everywhere but in production."""
        return self.environment != "production" if self.docs_enabled is None else self.docs_enabled
