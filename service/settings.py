import socket
from functools import cached_property
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AnyHttpUrl, BaseModel, ConfigDict, Field, SecretStr, StringConstraints, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

Ratio = Annotated[float, Field(ge=0, le=1)]
Seconds = Annotated[float, Field(gt=0, le=3600)]

# What `curl -H "Authorization: Bearer test-token"` sends in development; hashed like any other.
TEST_TOKEN_SHA256 = "4c5dc9b7708905f77f5e5d16316b5dfb425e68cb326dcd55a860e90a7707031e"  # noqa: S105 - a hash of a public token


class StaticToken(BaseModel):
    """A token known by its SHA-256 only, for development and tests."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sha256: Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")]
    subject: Annotated[str, StringConstraints(min_length=1, max_length=256)]
    scopes: frozenset[str] = frozenset()


class RateLimitOverride(BaseModel):
    """Another limit for one route, one subject, or one subject on one route."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    requests: Annotated[int, Field(ge=1)]
    window_seconds: Seconds
    route: Annotated[str, StringConstraints(pattern="^/")] | None = None
    subject: str | None = None

    @model_validator(mode="after")
    def _names_something(self) -> Self:
        if self.route is None and self.subject is None:
            raise ValueError("an override needs a route, a subject or both; everybody's limit is RATE_LIMIT_REQUESTS")
        return self


class Settings(BaseSettings):
    """All there is to set, read once from `USERS_API_*` environment variables; lists and objects are JSON."""

    model_config = SettingsConfigDict(env_prefix="USERS_API_", frozen=True, extra="ignore")

    environment: Literal["development", "staging", "production"] = "development"
    revision: str = "unknown"
    server_id: str = Field(default_factory=socket.gethostname, min_length=1)

    # Server
    server: Literal["uvicorn", "gunicorn", "granian"] = "uvicorn"
    workers: Annotated[int, Field(ge=1, le=64)] = 1
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8000
    # Longer than any proxy in front reuses a connection: ingress-nginx and our Traefik let go after 60 s.
    keep_alive_seconds: Annotated[int, Field(ge=1, le=3600)] = 75
    # Between SIGTERM and the end of listening: proxies learn of the end before it comes.
    shutdown_delay_seconds: Annotated[float, Field(ge=0, le=600)] = 1
    shutdown_drain_seconds: Annotated[int, Field(ge=1, le=600)] = 20
    max_body_bytes: Annotated[int, Field(ge=1)] = 64 * 1024
    max_header_bytes: Annotated[int, Field(ge=1024, le=1024 * 1024)] = 16 * 1024
    request_receive_timeout_seconds: Seconds = 10
    # Connections above this get 503 at once; well above what an ingress keeps idle.
    max_connections: Annotated[int, Field(ge=1)] = 2048

    # Logs
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    access_log_sample_ratio: Ratio = 0.01

    # Authentication
    static_tokens: tuple[StaticToken, ...] | None = None
    jwt_jwks_url: AnyHttpUrl | None = None
    jwt_jwks_file: Path | None = None
    jwt_issuer: str | None = None
    jwt_audience: str | None = None
    jwt_leeway_seconds: Annotated[float, Field(ge=0, le=300)] = 10
    jwt_jwks_refresh_seconds: Seconds = 300

    # Redis
    redis_url: str = "redis://127.0.0.1:6379/0"
    redis_username: str | None = None
    redis_password: SecretStr | None = None
    redis_pool_size: Annotated[int, Field(ge=1, le=1000)] = 4
    redis_connect_timeout_seconds: Seconds = 0.5
    # Two calls in a row must fit the 150 ms that a request may take while Redis hangs.
    redis_call_timeout_seconds: Seconds = 0.07
    redis_breaker_failures: Annotated[int, Field(ge=1, le=1000)] = 3
    redis_probe_interval_seconds: Seconds = 0.4

    # Rate limit
    rate_limit_enabled: bool = True
    rate_limit_requests: Annotated[int, Field(ge=1)] = 1200
    rate_limit_window_seconds: Seconds = 60
    rate_limit_overrides: tuple[RateLimitOverride, ...] = ()
    # While Redis is away each process allows this share of a limit.
    rate_limit_expected_replicas: Annotated[int, Field(ge=1, le=10_000)] = 3
    rate_limit_local_keys: Annotated[int, Field(ge=1)] = 10_000
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = (IPv4Network("127.0.0.0/8"), IPv6Network("::1/128"))

    # Cache
    cache_l1_bytes: Annotated[int, Field(ge=0)] = 16 * 1024 * 1024
    cache_l2_enabled: bool = True
    cache_ttl_seconds: Seconds = 60
    cache_negative_ttl_seconds: Seconds = 5
    cache_stale_seconds: Annotated[float, Field(ge=0, le=86400)] = 30
    cache_stale_if_error_seconds: Annotated[float, Field(ge=0, le=86400)] = 300
    cache_compress_bytes: Annotated[int, Field(ge=1)] = 1024
    fast_path_enabled: bool = True

    # How long a repeated POST gets the first one's answer.
    idempotency_ttl_seconds: Annotated[int, Field(ge=1, le=7 * 86400)] = 86400

    # Browsers
    cors_origins: tuple[str, ...] = ()
    docs_enabled: bool | None = None

    # Tracing
    otel_enabled: bool = False
    otel_endpoint: AnyHttpUrl = AnyHttpUrl("http://localhost:4318")
    otel_sample_ratio: Ratio = 0.01

    # What tests break the service with.
    faults_enabled: bool = False

    @model_validator(mode="after")
    def _is_safe(self) -> Self:
        if self.environment == "production":
            if self.static_tokens:
                raise ValueError("STATIC_TOKENS are for development: in production use JWT_JWKS_URL or JWT_JWKS_FILE")
            if self.faults_enabled:
                raise ValueError("FAULTS_ENABLED breaks the service on request: it is refused in production")
        if self.workers > 1 and self.server == "uvicorn":
            raise ValueError("WORKERS above 1 need SERVER gunicorn or granian: uvicorn's lose TCP_NODELAY")
        if self.jwt_jwks_url and self.jwt_jwks_file:
            raise ValueError("set JWT_JWKS_URL or JWT_JWKS_FILE, not both")
        if "*" in self.cors_origins:
            raise ValueError("CORS_ORIGINS takes origins such as https://app.example.com; * would let any site in")
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
    def docs_are_served(self) -> bool:
        """Whether /docs answers: as set, else everywhere but in production."""
        return self.environment != "production" if self.docs_enabled is None else self.docs_enabled
