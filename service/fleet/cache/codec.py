import struct
import zlib

from .config import CacheConfig
from .entry import Entry
from .versions import ABSENT, FOUND, MARK, Order

FORMAT = 2
_ORDER = struct.Struct(">BQB")  # format, version, kind: what the script in `scripts.py` reads
_HEADER = struct.Struct(">BQBBdff")  # and flags, stored_at, fresh_seconds, load_seconds
_COMPRESSED = 1
MAX_BODY_BYTES = 16 * 2**20


class CodecError(ValueError):
    """Not a value that this format's `encode` wrote."""


def encode(entry: Entry, compress_bytes: int) -> bytes:
    """The L2 value of `entry`; bodies of at least `compress_bytes` are deflated (level 1: 20 us per 4 KiB of JSON)."""
    flags = 0
    body = entry.body
    if len(body) >= compress_bytes:
        flags |= _COMPRESSED
        body = zlib.compress(body, 1)
    return _HEADER.pack(FORMAT, *entry.order, flags, entry.stored_at, entry.fresh_seconds, entry.load_seconds) + body


def encode_mark(order: Order) -> bytes:
    """The L2 value that says that the key has reached a version, and not with what."""
    return _ORDER.pack(FORMAT, order.version, MARK)


def decode(value: bytes, config: CacheConfig) -> tuple[Order, Entry | None]:
    """What an L2 value says of its key, and its entry; None for a mark.

    Raises:
        CodecError: of another format, cut short, or not one of ours. To be treated as a miss.

    """
    try:
        number, *order = _ORDER.unpack_from(value)
        if number != FORMAT:
            raise CodecError(f"format {number}, not {FORMAT}")
        known = Order(*order)
        if known.kind == MARK:
            return known, None
        *_, flags, stored_at, fresh_seconds, load_seconds = _HEADER.unpack_from(value)
    except struct.error as error:
        raise CodecError("too short") from error
    times = (stored_at, fresh_seconds, load_seconds)
    if known.kind not in (FOUND, ABSENT) or not all(0 <= seconds < 1e11 for seconds in times):  # noqa: PLR2004 - also false for NaN
        raise CodecError("kind or times out of range")
    body = value[_HEADER.size :]
    if flags & _COMPRESSED:
        body = _inflate(body)
    return known, Entry(
        body,
        order=known,
        stored_at=stored_at,
        fresh_seconds=fresh_seconds,
        load_seconds=load_seconds,
        config=config,
    )


def _inflate(body: bytes) -> bytes:
    inflater = zlib.decompressobj()
    try:
        inflated = inflater.decompress(body, MAX_BODY_BYTES)
    except zlib.error as error:
        raise CodecError("not deflated") from error
    if not inflater.eof:
        raise CodecError("cut short, or larger than any response")
    return inflated
