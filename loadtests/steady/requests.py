import random
import time
from collections.abc import Callable
from typing import Any

_ID, _UNIQUE = b"{id}", b"{unique}"


def requests_of(work: dict[str, Any]) -> Callable[[], bytes]:
    """Give what writes the next request: its number drawn at random, its unique text another each time."""
    fields = "".join(f"{name}: {value}\r\n" for name, value in work["headers"].items())
    line, head = f"{work['method']} {work['path']} HTTP/1.1\r\n".encode(), fields.encode()
    body = work["body"].encode()
    ids, first = work["ids"], work["first_id"]
    if _UNIQUE in line + body:
        return _unique(line, head, body, lambda: _drawn(first, ids))
    whole = line + _with_body(head, body)
    before, found, after = whole.partition(_ID)
    if not found:
        return lambda: whole
    return lambda: before + _drawn(first, ids) + after


def _unique(line: bytes, head: bytes, body: bytes, drawn: Callable[[], bytes]) -> Callable[[], bytes]:
    began, sent = time.time_ns(), 0

    def following() -> bytes:
        nonlocal sent
        sent += 1
        text = b"%x-%d" % (began, sent)
        written = line.replace(_ID, drawn(), 1).replace(_UNIQUE, text)
        return written + _with_body(head, body.replace(_UNIQUE, text))

    return following


def _drawn(first: int, ids: int) -> bytes:
    return b"%d" % (first + int(random.random() * ids))  # noqa: S311 - no secret; randrange takes four times as long


def _with_body(head: bytes, body: bytes) -> bytes:
    return b"%bContent-Length: %d\r\n\r\n%b" % (head, len(body), body) if body else head + b"\r\n"
