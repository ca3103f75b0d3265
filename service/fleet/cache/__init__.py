"""Two cache tiers in front of a slow source: encoded responses in this process, then in Redis."""

from .cached_read import CachedRead
from .config import CacheConfig
from .entry import Entry, etag_of
from .invalidation import InvalidationChannel
from .response import render
from .tiered import LOOKED_UP, Load, Loaded, Lookup, TieredCache

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
