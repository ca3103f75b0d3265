import math
import struct
import time
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.fleet.cache.codec import FORMAT, CodecError, decode, encode, encode_mark
from service.fleet.cache.config import CacheConfig
from service.fleet.cache.entry import Entry, etag_of
from service.fleet.cache.versions import ABSENT, FOUND, MARK, Order

CONFIG = CacheConfig()


def held(value: bytes) -> Entry:
    """The entry in `value`."""
    entry = decode(value, CONFIG)[1]
    assert entry is not None
    return entry


@given(
    st.one_of(st.none(), st.binary(max_size=5000)),
    st.floats(min_value=0, max_value=10, width=32),
    st.integers(0, 2**63 - 1),
)
def test_roundtrip(body: bytes | None, load_seconds: float, version: int) -> None:
    """What is encoded is decoded, compressed or not, found or not, of whatever version."""
    entry = Entry.load(body, load_seconds, CONFIG, version=version)
    order, decoded = decode(encode(entry, CONFIG.compress_bytes), CONFIG)
    assert decoded is not None
    assert order == decoded.order == entry.order == (version, ABSENT if body is None else FOUND)
    assert (decoded.body, decoded.found, decoded.etag) == (entry.body, entry.found, entry.etag)
    assert decoded.stored_at == entry.stored_at
    assert decoded.load_seconds == load_seconds
    assert math.isclose(decoded.fresh_seconds, entry.fresh_seconds, rel_tol=1e-6)
    assert math.isclose(decoded.fresh_until, entry.fresh_until, abs_tol=0.1)


@given(st.integers(0, 2**63 - 1))
def test_a_mark_is_a_version_without_an_entry(version: int) -> None:
    """It says how far the key has come."""
    assert decode(encode_mark(Order(version, ABSENT)), CONFIG) == ((version, MARK), None)


def test_large_bodies_are_compressed() -> None:
    """A body above the size is smaller in L2."""
    entry = Entry.load(b"a" * 10_000, 0.0, CONFIG)
    assert len(encode(entry, 1024)) < 200
    assert held(encode(entry, 1024)).body == entry.body
    assert len(encode(entry, 100_000)) > 10_000


@given(st.binary(max_size=200))
def test_garbage_is_a_codec_error(value: bytes) -> None:
    """Any bytes decode to an entry or raise CodecError."""
    try:
        order, entry = decode(value, CONFIG)
    except CodecError:
        return
    assert (order.kind == MARK) == (entry is None)
    assert entry is None or entry.etag == etag_of(entry.body, order.version)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (b"", "too short"),
        (struct.pack(">BQB", FORMAT + 1, 0, 0), "format"),
        (struct.pack(">BQB", FORMAT, 0, FOUND), "too short"),
        (struct.pack(">BQBBdff", FORMAT, 0, 9, 0, 0, 0, 0), "out of range"),
        (struct.pack(">BQBBdff", FORMAT, 0, FOUND, 0, math.nan, 0, 0), "out of range"),
        (struct.pack(">BQBBdff", FORMAT, 0, FOUND, 0, 0, -1, 0), "out of range"),
        (struct.pack(">BQBBdff", FORMAT, 0, FOUND, 1, 0, 0, 0) + b"\xff" * 8, "not deflated"),
        (struct.pack(">BQBBdff", FORMAT, 0, FOUND, 1, 0, 0, 0) + zlib.compress(b"a" * 99)[:-1], "cut short"),
        (struct.pack(">BQBBdff", FORMAT, 0, FOUND, 1, 0, 0, 0) + zlib.compress(bytes(17 * 2**20)), "larger"),
    ],
)
def test_says_what_is_wrong(value: bytes, message: str) -> None:
    """Another format, a cut value and a decompression bomb are each refused by name."""
    with pytest.raises(CodecError, match=message):
        decode(value, CONFIG)


def test_entry_of_a_clock_ahead_is_new() -> None:
    """An entry stored in this clock's future counts as just stored."""
    entry = Entry.load(b"x", 0.0, CONFIG)
    entry.stored_at = time.time() + 1000
    decoded = held(encode(entry, 1024))
    assert decoded.fresh_until <= time.monotonic() + entry.fresh_seconds
