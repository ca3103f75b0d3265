"""Two cache tiers in front of a slow source: encoded responses in this process, then in Redis."""

from service.cache.cached_read import CachedRead
from service.cache.config import CacheConfig
from service.cache.entry import Entry, etag_of
from service.cache.invalidation import InvalidationChannel
from service.cache.miss import KNOWN_MISS, Miss
from service.cache.response import render
from service.cache.tiered import Load, Loaded, Lookup, TieredCache

__all__ = [
    "KNOWN_MISS",
    "CacheConfig",
    "CachedRead",
    "Entry",
    "InvalidationChannel",
    "Load",
    "Loaded",
    "Lookup",
    "Miss",
    "TieredCache",
    "etag_of",
    "render",
]
