import time

from service.fleet.cache import CacheConfig, Entry, render


def test_full_answer() -> None:
    """200 carries the body, its length, its tag, its age and where it came from."""
    entry = Entry.load(b"{}", 0.0, CacheConfig())
    entry.stored_at = time.time() - 7.5
    status, headers, body = render(entry, "L2", None)
    assert (status, body) == (200, b"{}")
    assert dict(headers) == {
        b"content-length": b"2",
        b"content-type": b"application/json",
        b"etag": entry.etag,
        b"cache-control": b"private, no-cache",
        b"vary": b"Authorization",
        b"age": b"7",
        b"x-cache": b"L2",
    }


def test_not_modified() -> None:
    """304 carries what a 200 would, less the body and what describes it (RFC 9110, section 15.4.5)."""
    entry = Entry.load(b"{}", 0.0, CacheConfig())
    status, headers, body = render(entry, "L1", entry.etag)
    assert (status, body) == (304, b"")
    assert set(dict(headers)) == {b"etag", b"cache-control", b"vary", b"age", b"x-cache"}


def test_changed() -> None:
    """Another tag gets the full answer, with the headers made once."""
    entry = Entry.load(b"{}", 0.0, CacheConfig())
    assert render(entry, "L1", b'"other"')[0] == 200
    made = entry.headers
    render(entry, "L1", None)
    assert entry.headers is made
