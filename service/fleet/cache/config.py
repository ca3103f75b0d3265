from dataclasses import dataclass
from typing import Self

from ..settings.common import CommonSettings


@dataclass(frozen=True, slots=True)
class CacheConfig:
    """Sizes and times of both tiers; `l1_bytes=0` turns the first tier off, `l2_enabled=False` the second.

    An entry is fresh for `ttl_seconds` +-10 %, then served stale for `stale_seconds` while it is refreshed in the
    background, and up to `stale_if_error_seconds` past its freshness if the source fails (RFC 5861).
    """

    l1_bytes: int = 16 * 2**20
    l2_enabled: bool = True
    ttl_seconds: float = 60.0
    negative_ttl_seconds: float = 5.0
    stale_seconds: float = 30.0
    stale_if_error_seconds: float = 300.0
    compress_bytes: int = 1024
    untrusted_seconds: float = 1.0
    """How long an L1 entry is believed after its load while the invalidation channel is down."""
    are_versioned: bool = True
    """Whether an entry's version is the source's own, and so goes into its ETag."""

    @classmethod
    def of(cls, settings: CommonSettings, *, are_versioned: bool) -> Self:
        """Return what the settings say of it."""
        return cls(
            l1_bytes=settings.cache_l1_bytes,
            l2_enabled=settings.cache_l2_enabled and settings.redis_url != "",
            ttl_seconds=settings.cache_ttl_seconds,
            negative_ttl_seconds=settings.cache_negative_ttl_seconds,
            stale_seconds=settings.cache_stale_seconds,
            stale_if_error_seconds=settings.cache_stale_if_error_seconds,
            compress_bytes=settings.cache_compress_bytes,
            are_versioned=are_versioned,
        )
