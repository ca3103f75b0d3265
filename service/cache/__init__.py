"""Two cache tiers in front of a slow source: encoded responses in this process, then in Redis."""

from service.cache.cached_read import CachedRead
from service.cache.config import CacheConfig
from service.cache.entry import Entry, etag_of
from service.cache.invalidation import InvalidationChannel
from service.cache.response import render
from service.cache.tiered import LOOKED_UP, Load, Loaded, Lookup, TieredCache

__all__ = [
    "LOOKED_UP",
    "CacheConfig",
    "CachedRead",
    "Entry",
    "InvalidationChannel",
    "Load",
    "Loaded",
    "Lookup",
    "TieredCache",
    "etag_of",
    "render",
]
