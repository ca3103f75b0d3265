"""Connections that are kept, left idle, and used again: does the server close them first?"""

import asyncio
import contextlib
import time
from collections.abc import Mapping

from loadtests.hostile import wire
from loadtests.measure import Answer, Answers

# Not idempotent, so that no proxy tries it a second time.
_BODY = b'{"name": "Grace Hopper"}'
_REQUEST = b"\r\n".join(
    [
        b"PATCH /api/users/1 HTTP/1.1",
        b"host: localhost",
        b"authorization: Bearer %b",
        b"content-type: application/json",
        b"content-length: %d" % len(_BODY),
        b"",
        _BODY,
    ]
)
_ANSWER_SECONDS = 10
_OPENING_SECONDS = 3
CLOSED, REFUSED, SILENT = "closed instead of answered", "refused", "no answer"


async def reuse_after(to: wire.Address, token: str, connections: Mapping[float, int], name: str = "idle") -> Answers:
    """Open so many connections for each idle time in seconds, ask on each, wait, and ask again.

    Returns what came of the requests after the wait, named "NAME SECONDS s"; where the first one failed already, that.
    """
    request = _REQUEST % token.encode()
    async with asyncio.TaskGroup() as group:
        asking = [
            # Opened one after the other, so that the first requests are no crowd.
            group.create_task(_ask_twice(to, request, idle, _OPENING_SECONDS * number / count, f"{name} {idle:g} s"))
            for idle, count in connections.items()
            for number in range(count)
        ]
    return Answers(task.result() for task in asking)


async def _ask_twice(to: wire.Address, request: bytes, idle_seconds: float, delay_seconds: float, name: str) -> Answer:
    await asyncio.sleep(delay_seconds)
    try:
        reader, writer = await asyncio.open_connection(*to)
    except OSError:
        return Answer(time.time(), 0, 0, REFUSED, name=name)
    try:
        first = await _ask(reader, writer, request, name)
        if first.failed:
            return first
        await asyncio.sleep(idle_seconds)
        return await _ask(reader, writer, request, name)
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def _ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes, name: str) -> Answer:
    at_s, started = time.time(), time.monotonic()
    status, error = 0, ""
    try:
        writer.write(request)
        async with asyncio.timeout(_ANSWER_SECONDS):
            head = await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(wire.content_length(head))
        status = next(wire.answers(head)).status
    except TimeoutError:
        error = SILENT
    except (OSError, EOFError):
        error = CLOSED
    return Answer(at_s, (time.monotonic() - started) * 1000, status, error, name=name)
