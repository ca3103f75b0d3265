"""Requests that two servers in a row could read differently, and such as are too large.

RFC 9112 (HTTP/1.1) sections 3.2, 5, 6 and 11.2 say what a server has to do with each: answer 4xx or close.
"""

from collections.abc import Mapping

from loadtests.hostile.wire import REQUEST_ID

# The ids that answers are told apart by.
SMUGGLED, FOLLOW_UP, ATTACK = "smuggled-request", "follow-up-request", "attack-request"


def get(path: str, request_id: str, token: str) -> bytes:
    """A request whose answer bears its id."""
    return _head(f"GET {path}", request_id, token) + b"\r\n"


def follow_up(token: str) -> bytes:
    """What an innocent client would send on the same connection next."""
    return get("/api/users/2", FOLLOW_UP, token)


def attacks(token: str) -> Mapping[str, bytes]:
    """Each attack's name and bytes; most carry a whole request in what only one of two readings takes for a body."""
    smuggled = get("/api/users/3", SMUGGLED, token)
    post = _head("POST /api/users", ATTACK, token) + b"content-type: application/json\r\n"
    plain = _head("GET /api/users/1", ATTACK, token)
    chunked = b"transfer-encoding: chunked\r\n"
    end = b"\r\n"
    inside = b"%x\r\n%b\r\n0\r\n\r\n" % (len(smuggled), smuggled)
    behind = b"0\r\n\r\n" + smuggled
    both = b"content-length: %d\r\n"
    return {
        "CL.TE": post + both % len(behind) + chunked + end + behind,
        "TE.CL": post + chunked + both % 4 + end + inside,
        "TE.TE, second unknown": post + chunked + b"transfer-encoding: x\r\n" + both % 4 + end + inside,
        "TE after a space": post + b"transfer-encoding : chunked\r\n" + both % len(behind) + end + behind,
        "TE after a tab": post + b"transfer-encoding:\tchunked, identity\r\n" + both % len(behind) + end + behind,
        "TE folded": post + b"transfer-encoding:\r\n chunked\r\n" + both % len(behind) + end + behind,
        "TE unknown": post + b"transfer-encoding: xchunked\r\n" + both % len(behind) + end + behind,
        "two lengths": post + both % 0 + both % len(smuggled) + end + smuggled,
        "a signed length": post + b"content-length: +%d\r\n" % len(smuggled) + end + smuggled,
        "a length in hex": post + b"content-length: 0x10\r\n" + end + smuggled,
        "a list of lengths": post + b"content-length: 0, %d\r\n" % len(smuggled) + end + smuggled,
        "two hosts": plain + b"host: other.example.com\r\n" + end + smuggled,
        "no host": plain.replace(b"host: localhost\r\n", b"") + end + smuggled,
        "a space before the colon": plain + b"x-note : 1\r\n" + end + smuggled,
        "a bare CR in a header": plain + b"x-note: 1\rcontent-length: 5\r\n" + end + smuggled,
        "a NUL in a header": plain + b"x-note: 1\x002\r\n" + end + smuggled,
        "an unknown version": plain.replace(b"HTTP/1.1", b"HTTP/1.9x") + end + smuggled,
        "a chunk size that is no number": post + chunked + end + b"zz\r\n" + smuggled,
        "a chunk size beyond 64 bits": post + chunked + end + b"f" * 17 + b"\r\n" + smuggled,
        "a negative chunk size": post + chunked + end + b"-1\r\n" + smuggled,
        "a chunk longer than its size": post + chunked + end + b"1\r\n" + smuggled,
        "64 KB in one header": plain + b"x-note: " + b"a" * 65536 + end + end,
        "64 KB in many headers": plain + b"".join(b"x-note-%d: %b\r\n" % (n, b"a" * 50) for n in range(1024)) + end,
        "64 KB of path": plain.replace(b"/api/users/1", b"/api/users/1?" + b"a" * 65536) + end,
        "64 KB of chunk extension": post + chunked + end + b"1;" + b"a" * 65536 + b"\r\n1\r\n0\r\n\r\n",
        "no HTTP at all": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + end + end,
    }


def _head(line: str, request_id: str, token: str) -> bytes:
    fields = {"host": "localhost", REQUEST_ID: request_id, "authorization": f"Bearer {token}"}
    return "".join([f"{line} HTTP/1.1\r\n", *(f"{name}: {value}\r\n" for name, value in fields.items())]).encode()
