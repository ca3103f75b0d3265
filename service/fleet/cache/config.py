from dataclasses import dataclass


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
