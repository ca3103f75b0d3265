import time
from typing import Literal

from ..http.conditional import is_listed
from .entry import Entry

Tier = Literal["L1", "L2", "MISS", "STALE"]
Headers = list[tuple[bytes, bytes]]

# Answers depend on who asks: a CDN must not hold them (RFC 9111, section 3.5), a client may, if it asks each time
# whether they still hold; that costs a 304 from L1 and no client sees its own write undone.
CACHE_CONTROL = (b"cache-control", b"private, no-cache")
VARY = (b"vary", b"Authorization")
CONTENT_TYPE = (b"content-type", b"application/json")

X_CACHE: dict[Tier, tuple[bytes, bytes]] = {
    "L1": (b"x-cache", b"L1"),
    "L2": (b"x-cache", b"L2"),
    "MISS": (b"x-cache", b"MISS"),
    "STALE": (b"x-cache", b"STALE"),
}


def render(entry: Entry, tier: Tier, if_none_match: bytes | None) -> tuple[int, Headers, bytes]:
    """Status, headers and body for a found entry: 200, or 304 where the client holds it already."""
    if not entry.headers:
        entry.headers = [
            (b"content-length", b"%d" % len(entry.body)),
            CONTENT_TYPE,
            (b"etag", entry.etag),
            CACHE_CONTROL,
            VARY,
        ]
    age = (b"age", b"%d" % max(0.0, time.time() - entry.stored_at))
    if if_none_match is not None and is_listed(if_none_match, entry.etag):
        return 304, [*entry.headers[2:], age, X_CACHE[tier]], b""
    return 200, [*entry.headers, age, X_CACHE[tier]], entry.body
