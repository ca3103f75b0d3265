"""What each part that is not about users gets of the settings."""

from service import NAME, __version__
from service.fleet.cache import CacheConfig
from service.fleet.observability.config import TracingConfig
from service.fleet.ratelimit import Override, Policies
from service.fleet.redis_client import RedisConfig
from service.settings import Settings


def tracing(settings: Settings) -> TracingConfig:
    """Return where spans go."""
    return TracingConfig(
        name=NAME,
        version=__version__,
        server_id=settings.server_id,
        environment=settings.environment,
        sample_ratio=settings.otel_sample_ratio,
        endpoint=str(settings.otel_endpoint),
    )


def policies(settings: Settings) -> Policies:
    """Return who may ask how often."""
    overrides = [Override(o.requests, o.window_seconds, o.route, o.subject) for o in settings.rate_limit_overrides]
    return Policies(settings.rate_limit_requests, settings.rate_limit_window_seconds, overrides)


def redis(settings: Settings) -> RedisConfig:
    """Return where Redis is."""
    return RedisConfig(
        url=settings.redis_url,
        key_prefix=settings.redis_key_prefix,
        username=settings.redis_username,
        password=settings.redis_password.get_secret_value() if settings.redis_password else None,
        connect_timeout_seconds=settings.redis_connect_timeout_seconds,
        call_timeout_seconds=settings.redis_call_timeout_seconds,
        pool_size=settings.redis_pool_size,
        breaker_failures=settings.redis_breaker_failures,
        probe_interval_seconds=settings.redis_probe_interval_seconds,
    )


def cache(settings: Settings) -> CacheConfig:
    """Return what is cached, and for how long."""
    return CacheConfig(
        l1_bytes=settings.cache_l1_bytes,
        l2_enabled=settings.cache_l2_enabled and settings.redis_url != "",
        ttl_seconds=settings.cache_ttl_seconds,
        negative_ttl_seconds=settings.cache_negative_ttl_seconds,
        stale_seconds=settings.cache_stale_seconds,
        stale_if_error_seconds=settings.cache_stale_if_error_seconds,
        compress_bytes=settings.cache_compress_bytes,
    )
