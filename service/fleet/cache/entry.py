import hashlib
import math
import random
import time

from .config import CacheConfig
from .versions import ABSENT, FOUND, Order

# Beside its body: the objects of the entry, its headers and its place in the LRU order, by sys.getsizeof.
ENTRY_OVERHEAD_BYTES = 900
JITTER = 0.1


class Entry:
    """One encoded response, or the fact that there is no such user, at one version.

    `stored_at` is wall-clock seconds, as L2 shares it between machines; all other times are this process's monotonic
    clock. `load_seconds` is what the source took.
    """

    __slots__ = (
        "body",
        "error_until",
        "etag",
        "found",
        "fresh_seconds",
        "fresh_until",
        "headers",
        "load_seconds",
        "order",
        "refresh_at",
        "size_bytes",
        "stale_until",
        "stored_at",
        "verified_at",
    )

    def __init__(  # noqa: PLR0913 - by keyword only
        self,
        body: bytes,
        *,
        order: Order,
        stored_at: float,
        fresh_seconds: float,
        load_seconds: float,
        config: CacheConfig,
    ) -> None:
        self.body = body
        self.order = order
        self.found = order.kind == FOUND
        self.etag = etag_of(body, order.version if config.are_versioned else None)
        self.stored_at = stored_at
        self.fresh_seconds = fresh_seconds
        self.load_seconds = load_seconds
        self.headers: list[tuple[bytes, bytes]] = []
        self.size_bytes = len(body) + ENTRY_OVERHEAD_BYTES
        now = time.monotonic()
        age = max(0.0, time.time() - stored_at)  # another machine's clock may run ahead
        self.verified_at = now
        self.fresh_until = now - age + fresh_seconds
        self.stale_until = self.fresh_until + config.stale_seconds
        self.error_until = self.fresh_until + config.stale_if_error_seconds
        self.refresh_at = self.fresh_until - early(load_seconds)

    @classmethod
    def load(
        cls,
        body: bytes | None,
        load_seconds: float,
        config: CacheConfig,
        *,
        version: int = 0,
        seconds: float | None = None,
    ) -> "Entry":
        """An entry of what the source just answered; None is a negative entry. `seconds` stands before the config's."""
        ttl = config.negative_ttl_seconds if body is None else seconds or config.ttl_seconds
        return cls(
            body or b"",
            order=Order(version, ABSENT if body is None else FOUND),
            stored_at=time.time(),
            fresh_seconds=ttl * random.uniform(1 - JITTER, 1 + JITTER),  # noqa: S311
            load_seconds=load_seconds,
            config=config,
        )


def early(load_seconds: float) -> float:
    """Seconds before expiry at which this process refreshes (XFetch, Vattani et al., VLDB 2015, beta = 1).

    The paper draws at each request; drawing once per entry and process is the same race between processes (inside one
    there is a single flight anyway) and leaves one comparison on the hot path.
    """
    return -load_seconds * math.log(1 - random.random())  # noqa: S311


def etag_of(body: bytes, version: int | None = None) -> bytes:
    """A strong validator (RFC 9110, section 8.8.1), the same on every replica.

    The version, of what has one, and a digest of the body: two releases may write one version in two ways.
    """
    digest = hashlib.blake2b(body, digest_size=12).hexdigest().encode()
    return b'"%s"' % digest if version is None else b'"%d-%s"' % (version, digest)
