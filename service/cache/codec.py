import struct
import zlib

from service.cache.config import CacheConfig
from service.cache.entry import Entry, etag_of

VERSION = 1
_HEADER = struct.Struct(">BBdff")  # version, flags, stored_at, fresh_seconds, load_seconds
_FOUND, _COMPRESSED = 1, 2
MAX_BODY_BYTES = 16 * 2**20


class CodecError(ValueError):
    """Not a value that this version wrote."""


def encode(entry: Entry, compress_bytes: int) -> bytes:
    """The L2 value of `entry`; bodies of at least `compress_bytes` are deflated (level 1: 20 us per 4 KiB of JSON)."""
    flags = _FOUND if entry.found else 0
    body = entry.body
    if len(body) >= compress_bytes:
        flags |= _COMPRESSED
        body = zlib.compress(body, 1)
    return _HEADER.pack(VERSION, flags, entry.stored_at, entry.fresh_seconds, entry.load_seconds) + body


def decode(value: bytes, config: CacheConfig) -> Entry:
    """The entry in an L2 value.

    Raises:
        CodecError: written by another version, cut short, or not one of ours. To be treated as a miss.

    """
    try:
        version, flags, stored_at, fresh_seconds, load_seconds = _HEADER.unpack_from(value)
    except struct.error as error:
        raise CodecError("too short") from error
    if version != VERSION:
        raise CodecError(f"version {version}, not {VERSION}")
    times = (stored_at, fresh_seconds, load_seconds)
    if not all(0 <= seconds < 1e11 for seconds in times):  # noqa: PLR2004 - also false for NaN
        raise CodecError("times out of range")
    body = value[_HEADER.size :]
    if flags & _COMPRESSED:
        body = _inflate(body)
    return Entry(
        body,
        found=bool(flags & _FOUND),
        etag=etag_of(body),
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
