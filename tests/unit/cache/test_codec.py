import math
import struct
import time
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.cache.codec import VERSION, CodecError, decode, encode
from service.cache.config import CacheConfig
from service.cache.entry import Entry, etag_of

CONFIG = CacheConfig()


@given(st.one_of(st.none(), st.binary(max_size=5000)), st.floats(min_value=0, max_value=10, width=32))
def test_roundtrip(body: bytes | None, load_seconds: float) -> None:
    """What is encoded is decoded, compressed or not, found or not."""
    entry = Entry.load(body, load_seconds, CONFIG)
    decoded = decode(encode(entry, CONFIG.compress_bytes), CONFIG)
    assert (decoded.body, decoded.found, decoded.etag) == (entry.body, entry.found, entry.etag)
    assert decoded.stored_at == entry.stored_at
    assert decoded.load_seconds == load_seconds
    assert math.isclose(decoded.fresh_seconds, entry.fresh_seconds, rel_tol=1e-6)
    assert math.isclose(decoded.fresh_until, entry.fresh_until, abs_tol=0.1)


def test_large_bodies_are_compressed() -> None:
    """A body above the size is smaller in L2."""
    entry = Entry.load(b"a" * 10_000, 0.0, CONFIG)
    assert len(encode(entry, 1024)) < 200
    assert decode(encode(entry, 1024), CONFIG).body == entry.body
    assert len(encode(entry, 100_000)) > 10_000


@given(st.binary(max_size=200))
def test_garbage_is_a_codec_error(value: bytes) -> None:
    """Any bytes decode to an entry or raise CodecError."""
    try:
        entry = decode(value, CONFIG)
    except CodecError:
        return
    assert entry.etag == etag_of(entry.body)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (b"", "too short"),
        (struct.pack(">BBdff", VERSION + 1, 0, 0, 0, 0), "version"),
        (struct.pack(">BBdff", VERSION, 0, math.nan, 0, 0), "out of range"),
        (struct.pack(">BBdff", VERSION, 0, 0, -1, 0), "out of range"),
        (struct.pack(">BBdff", VERSION, 3, 0, 0, 0) + b"\xff" * 8, "not deflated"),
        (struct.pack(">BBdff", VERSION, 3, 0, 0, 0) + zlib.compress(b"a" * 99)[:-1], "cut short"),
        (struct.pack(">BBdff", VERSION, 3, 0, 0, 0) + zlib.compress(bytes(17 * 2**20)), "larger"),
    ],
)
def test_says_what_is_wrong(value: bytes, message: str) -> None:
    """Another version, a cut value and a decompression bomb are each refused by name."""
    with pytest.raises(CodecError, match=message):
        decode(value, CONFIG)


def test_entry_of_a_clock_ahead_is_new() -> None:
    """An entry stored in this clock's future counts as just stored."""
    entry = Entry.load(b"x", 0.0, CONFIG)
    entry.stored_at = time.time() + 1000
    decoded = decode(encode(entry, 1024), CONFIG)
    assert decoded.fresh_until <= time.monotonic() + entry.fresh_seconds
